"""The grammar of rights: a rule is a resource, a scope and an operation.

Which rules exist and which role holds which is auth's catalogue; here is only what every service needs to
read a principal's rules.
"""

from enum import StrEnum
from typing import NamedTuple, Self


class Resource(StrEnum):
    """What a rule is about."""

    COLLABORATION = "collaboration"
    EVENT = "event"
    NODE = "node"
    ORGANIZATION = "organization"
    PORT = "port"
    ROLE = "role"
    RUN = "run"
    STUDY = "study"
    TASK = "task"
    USER = "user"


class Scope(StrEnum):
    """How far a rule reaches, as the wire spells it."""

    OWN = "OWN"
    ORGANIZATION = "ORGANIZATION"
    COLLABORATION = "COLLABORATION"
    GLOBAL = "GLOBAL"


class Operation(StrEnum):
    """What a rule allows, as the wire spells it."""

    VIEW = "VIEW"
    EDIT = "EDIT"
    CREATE = "CREATE"
    DELETE = "DELETE"
    SEND = "SEND"
    RECEIVE = "RECEIVE"


class Rule(NamedTuple):
    """One right, e.g. `task:COLLABORATION:CREATE`."""

    resource: Resource
    scope: Scope
    operation: Operation

    def __str__(self) -> str:
        return f"{self.resource}:{self.scope}:{self.operation}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str()` wrote.

        Raises:
            ValueError: `text` is not a rule.
        """
        resource, scope, operation = text.split(":")
        return cls(Resource(resource), Scope(scope), Operation(operation))


class Rules(frozenset[Rule]):
    """The rules that a principal holds, with the questions that policies ask."""

    __slots__ = ()

    def scopes(self, resource: Resource, operation: Operation) -> frozenset[Scope]:
        """Tell with which scopes `operation` on `resource` is held."""
        return frozenset(rule.scope for rule in self if rule.resource is resource and rule.operation is operation)

    def allow(self, resource: Resource, operation: Operation, *scopes: Scope) -> bool:
        """Tell whether `operation` on `resource` is held with any of `scopes`."""
        return any(Rule(resource, scope, operation) in self for scope in scopes)
