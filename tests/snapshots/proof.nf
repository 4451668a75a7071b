deny (principal, action == Action::"repository:get", resource in Repository::"tools") when { !["address", "key"].contains(context.proof) }; // examples/policies/proof.avow:7
permit (principal is Instance, action == Action::"repository:get", resource); // examples/policies/proof.avow:4
