"""What steps and stage agree on."""

PASSWORD = "Correct-horse-7"
IMAGE = "registry.test/algorithm:1"
