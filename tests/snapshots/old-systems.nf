deny (principal, action == Action::"balancer:join", resource) when { !(principal has os.name) }; // examples/policies/old-systems.avow:11
deny (principal, action == Action::"balancer:join", resource) when { principal has os.name } when { principal.os.name != "debian" }; // examples/policies/old-systems.avow:11
deny (principal, action == Action::"balancer:join", resource) when { principal has os.name } when { principal.os.name == "debian" } when { !(principal.os has version) }; // examples/policies/old-systems.avow:11
deny (principal, action == Action::"balancer:join", resource) when { principal has os.name } when { principal.os.name == "debian" } when { principal.os has version } when { !(principal.os.version like "12.*") } when { !(principal.os.version like "13.*") }; // examples/policies/old-systems.avow:11
permit (principal is Instance, action in Action::"balancer:join", resource); // examples/policies/old-systems.avow:3
permit (principal is Instance, action in Action::"repository:get", resource); // examples/policies/old-systems.avow:3
