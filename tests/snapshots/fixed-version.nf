deny (principal, action == Action::"balancer:join", resource) when { !(principal has packages.openssl) }; // examples/policies/fixed-version.avow:8
deny (principal, action == Action::"balancer:join", resource) when { principal has agent } when { version(principal.agent).lessThan(version("2.0")) }; // examples/policies/fixed-version.avow:16
deny (principal, action == Action::"balancer:join", resource) when { principal has packages.openssl } when { !debversion(principal.packages.openssl).greaterThanOrEqual(debversion("3.0.15-1~deb12u1")) }; // examples/policies/fixed-version.avow:8
permit (principal is Instance, action == Action::"balancer:join", resource); // examples/policies/fixed-version.avow:4
