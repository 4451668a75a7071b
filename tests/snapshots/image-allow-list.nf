permit (principal in Image::"img-12", action == Action::"repository:get", resource in Repository::"main"); // examples/policies/image-allow-list.avow:3
permit (principal in Image::"img-13", action == Action::"repository:get", resource in Repository::"main"); // examples/policies/image-allow-list.avow:3
