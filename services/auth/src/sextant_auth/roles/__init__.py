"""Roles: named sets of rules, the default ones and those of organizations."""
