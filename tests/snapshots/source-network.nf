deny (principal, action, resource) when { context.protocol != "https" } when { !context.sourceIp.isInRange(ip("10.1.0.0/16")) }; // examples/policies/source-network.avow:10
permit (principal is Instance, action == Action::"repository:get", resource) when { !context.sourceIp.isInRange(ip("10.0.0.0/8")) } when { context.sourceIp.isInRange(ip("2001:db8:10::/48")) }; // examples/policies/source-network.avow:3
permit (principal is Instance, action == Action::"repository:get", resource) when { context.sourceIp.isInRange(ip("10.0.0.0/8")) }; // examples/policies/source-network.avow:3
