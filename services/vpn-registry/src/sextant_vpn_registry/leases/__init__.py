"""Leases: who holds which port at which address."""
