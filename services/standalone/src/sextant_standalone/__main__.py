"""`python -m sextant_standalone`, the same as `sextant`."""

from sextant_standalone.cli import app

app()
