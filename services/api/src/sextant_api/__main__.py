"""`python -m sextant_api`."""

from sextant_api.main import main

main()
