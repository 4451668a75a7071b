deny (principal, action, resource) when { !(principal has labels) }; // examples/policies/naming.avow:7
deny (principal, action, resource) when { principal has labels } when { !principal.labels.allMatches("^[a-z][a-z0-9.-]*=[^\\s=]{1,64}$") }; // examples/policies/naming.avow:7
deny (principal, action, resource) when { principal has labels } when { principal.labels.allMatches("^[a-z][a-z0-9.-]*=[^\\s=]{1,64}$") } when { principal.labels.anyLike("*password*") }; // examples/policies/naming.avow:7
permit (principal is Instance, action == Action::"repository:get", resource) when { principal.name matches "^(web|db|mail)-(eu|us)\\d?-[0-9]{2,4}$" }; // examples/policies/naming.avow:3
