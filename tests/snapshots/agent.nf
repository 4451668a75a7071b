permit (principal == Instance::"web-1", action == Action::"repository:get", resource in Repository::"main") when { context.proof == "key" }; // examples/agent/policies/agent.avow:3
permit (principal is Instance, action == Action::"repository:get", resource in Repository::"plain") when { principal has owner } when { principal.owner == "acme" }; // examples/agent/policies/agent.avow:8
