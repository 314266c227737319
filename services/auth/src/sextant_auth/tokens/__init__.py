"""Tokens: what they say, how they are asked for, and how long one login lasts."""
