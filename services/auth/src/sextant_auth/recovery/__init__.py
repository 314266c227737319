"""The ways back in, for who lost a password, a second factor, or the API key of a node."""
