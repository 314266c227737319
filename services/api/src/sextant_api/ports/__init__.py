"""Ports: what vpn-registry asks about runs, and what it says of the ports at which they listen.

The registry owns the ports; what is kept here is a copy, so that a run can be shown with them in one query.
"""
