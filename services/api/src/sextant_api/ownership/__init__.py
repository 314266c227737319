"""Whose work something is, and how far callers reach: what tasks, runs, results and kills are judged by."""
