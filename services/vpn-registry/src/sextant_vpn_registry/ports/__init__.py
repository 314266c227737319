"""Ports of runs and their leases."""
