"""Principals as the other services see them: who, of which organization, with which rules."""
