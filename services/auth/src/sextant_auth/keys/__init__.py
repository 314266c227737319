"""Signing keys: how they come, take turns and go. Knows nothing of what is signed."""
