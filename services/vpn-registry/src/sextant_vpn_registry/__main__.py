"""`python -m sextant_vpn_registry`."""

from sextant_vpn_registry.main import main

main()
