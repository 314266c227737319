"""Which users are connected to the event channel."""
