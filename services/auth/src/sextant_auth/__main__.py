"""`python -m sextant_auth`."""

from sextant_auth.main import main

main()
