permit (principal is Instance, action == Action::"repository:get", resource is Package) when { resource like Package::"private/${principal["owner"]}/*" }; // examples/policies/own-path.avow:4
