"""All steps, by suite: importing a module declares its own."""

from . import accounts, containers, encryption, guarded, nodes, places, session, stores, work  # noqa: F401
from .registry import STEPS as STEPS
from .registry import Suite as Suite
