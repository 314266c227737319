"""Rules: the catalogue, as it is stored and shown."""
