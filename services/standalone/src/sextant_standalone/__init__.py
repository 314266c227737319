"""All of Sextant in one process, and the `sextant` command. The only package that may import services."""
