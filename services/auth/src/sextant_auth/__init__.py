"""auth: who is who, and who may do what. Authenticates users, nodes and containers, and signs their tokens."""
