"""Runs: a task's work at one organization's node."""
