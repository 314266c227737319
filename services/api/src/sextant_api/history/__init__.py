"""The history of events: what users were told, kept for a while so that whoever missed some can hear it again."""
