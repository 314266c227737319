"""`python -m sextant_relay`."""

from sextant_relay.main import main

main()
