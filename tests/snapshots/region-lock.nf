deny (principal, action == Action::"repository:get", resource in Repository::"north") when { !(principal in Region::"north") }; // examples/policies/region-lock.avow:7
permit (principal is Instance, action == Action::"repository:get", resource); // examples/policies/region-lock.avow:4
