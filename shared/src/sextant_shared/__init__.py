"""What Sextant's services have in common. A library: it is imported, never run, and it imports no service."""
