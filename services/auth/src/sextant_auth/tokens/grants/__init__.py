"""The ways to get tokens, one module each, as hooks under one handler that owns the phases."""
