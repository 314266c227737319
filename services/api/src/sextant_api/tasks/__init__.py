"""Tasks: what is to be computed, where, by what image, and what has become of it."""
