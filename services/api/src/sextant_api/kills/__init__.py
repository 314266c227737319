"""Ending what runs: tasks with all that descends from them, and everything at a node."""
