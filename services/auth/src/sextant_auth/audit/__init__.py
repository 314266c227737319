"""The audit log: who did what to whom, with which outcome. Entries are added, never changed."""

from sextant_auth.audit.refusals import Evidence, Judged, RefusedError, judged
from sextant_auth.audit.repository import Action, Actor, Entry, Outcome, Target, write

__all__ = [
    "Action",
    "Actor",
    "Entry",
    "Evidence",
    "Judged",
    "Outcome",
    "RefusedError",
    "Target",
    "judged",
    "write",
]
