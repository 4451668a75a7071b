permit (principal like Instance::"web-*", action == Action::"repository:get", resource in Repository::"main") when { context.proof == "key" }; // examples/identity/policies/identity.avow:3
