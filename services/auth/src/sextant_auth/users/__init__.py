"""Users: their profiles, their passwords, and what they are granted."""
