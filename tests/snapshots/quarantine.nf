deny (principal in Instance::"i-7", action, resource); // examples/policies/quarantine.avow:7
deny (principal in Instance::"i-9", action, resource); // examples/policies/quarantine.avow:7
permit (principal is Instance, action, resource); // examples/policies/quarantine.avow:4
