"""The official client and node, run unmodified as programs that the tests drive.

``researcher`` and ``station`` run in the clients' own venv, because their pins differ from ours;
``driver`` runs in ours and is all that a test needs to import.
"""
