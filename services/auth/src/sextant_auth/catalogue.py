"""The rules and default roles of vantage6 4.15.2: names, order and descriptions are part of the wire.

A rule's place is its id (from 1), a default role's likewise, in every installation.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sextant_shared.contract.permissions import Operation, Resource, Rule, Scope


class CatalogueRule(NamedTuple):
    """One rule of the catalogue."""

    id: int
    rule: Rule
    description: str


class DefaultRole(NamedTuple):
    """One role that every organization has and nobody may change."""

    id: int
    name: str
    description: str
    rules: frozenset[Rule]


NODE_ROLE: Final = "node"
"""The default role whose rules nodes have."""
CONTAINER_ROLE: Final = "container"
"""The default role whose rules algorithm containers have."""
ROOT_ROLE: Final = "Root"

_RULES: Final = """
node GLOBAL VIEW view any node
node COLLABORATION VIEW view any node in your collaborations
node ORGANIZATION VIEW view your own node info
node GLOBAL EDIT edit any node
node COLLABORATION EDIT edit any node in your collaborations
node ORGANIZATION EDIT edit node that is part of your organization
node GLOBAL CREATE create node for any organization
node COLLABORATION CREATE create node for any organization in your collaborations
node ORGANIZATION CREATE create new node for your organization
node GLOBAL DELETE delete any node
node COLLABORATION DELETE delete any node in your collaborations
node ORGANIZATION DELETE delete node that is part of your organization
collaboration GLOBAL VIEW view any collaboration
collaboration ORGANIZATION VIEW view collaborations of your organization
collaboration GLOBAL EDIT edit any collaboration
collaboration COLLABORATION EDIT edit any collaboration that your organization participates in
collaboration GLOBAL CREATE create a new collaboration
collaboration GLOBAL DELETE delete a collaboration
collaboration COLLABORATION DELETE delete any collaboration that your organization participates in
organization GLOBAL VIEW view any organization
organization ORGANIZATION VIEW view your own organization info
organization COLLABORATION VIEW view collaborating organizations
organization GLOBAL EDIT edit any organization
organization ORGANIZATION EDIT edit your own organization info
organization COLLABORATION EDIT edit collaborating organizations
organization GLOBAL CREATE create a new organization
organization GLOBAL DELETE delete any organization
task GLOBAL VIEW view any task
task COLLABORATION VIEW view tasks of your collaborations
task ORGANIZATION VIEW view tasks that your organization initiated
task OWN VIEW view tasks that you initiated
task GLOBAL CREATE create a new task
task COLLABORATION CREATE create a new task for collaborations in which your organization participates with
task GLOBAL DELETE delete a task
task COLLABORATION DELETE delete a task from your collaborations
task ORGANIZATION DELETE delete a task from a collaboration in which your organization participates with
task OWN DELETE delete tasks that you created
run GLOBAL VIEW view any run
run COLLABORATION VIEW view runs of your organizations collaborations
run ORGANIZATION VIEW view any run of a task created by your organization
run OWN VIEW view any run of a task created by you
user GLOBAL VIEW View any user
user COLLABORATION VIEW View users from your collaboration
user ORGANIZATION VIEW View users from your organization
user GLOBAL CREATE Create a new user for any organization
user COLLABORATION CREATE Create a new user for organizations in your collaborations
user ORGANIZATION CREATE Create a new user for your organization
user GLOBAL EDIT Edit any user
user COLLABORATION EDIT Edit any user in your collaborations
user ORGANIZATION EDIT Edit users from your organization
user OWN EDIT Edit your own info
user GLOBAL DELETE Delete any user
user COLLABORATION DELETE Delete any user in your collaborations
user ORGANIZATION DELETE Delete users from your organization
user OWN DELETE Delete your own account
role GLOBAL VIEW View any role
role COLLABORATION VIEW View any role in your collaborations
role ORGANIZATION VIEW View the roles of your organization
role GLOBAL CREATE Create role for any organization
role COLLABORATION CREATE Create role for any organization in your collaborations
role ORGANIZATION CREATE Create role for your organization
role GLOBAL EDIT Edit any role
role COLLABORATION EDIT Edit any role in your collaborations
role ORGANIZATION EDIT Edit a role from your organization
role GLOBAL DELETE Delete a role from any organization
role COLLABORATION DELETE Delete a role from any organization in your collaborations
role ORGANIZATION DELETE Delete a role from your organization
port GLOBAL VIEW view any port
port ORGANIZATION VIEW view ports of your organizations collaborations
event ORGANIZATION RECEIVE view websocket events of your organization
event COLLABORATION RECEIVE view websocket events of your collaborations
event GLOBAL RECEIVE view websocket events
event ORGANIZATION SEND send websocket events for your organization
event COLLABORATION SEND send websocket events for your collaborations
event GLOBAL SEND send websocket events to all collaborations
study GLOBAL VIEW view any study
study ORGANIZATION VIEW view studies that your organization is involved in
study COLLABORATION VIEW view studies within your collaborations
study GLOBAL EDIT edit any study
study COLLABORATION EDIT edit studies within your collaborations
study ORGANIZATION EDIT edit studies that your organization is involved in
study GLOBAL CREATE create a new study
study COLLABORATION CREATE create a new study within your collaborations
study GLOBAL DELETE delete a study
study COLLABORATION DELETE delete any study within your collaborations
study ORGANIZATION DELETE delete studies that your organization is involved in
"""

_ROLES: Final[Sequence[tuple[str, str, str | None]]] = (
    (
        "Root",
        "Super role",
        None,
    ),
    (
        "container",
        "container role",
        """
        collaboration ORGANIZATION VIEW
        node ORGANIZATION VIEW
        organization COLLABORATION VIEW
        organization ORGANIZATION VIEW
        port ORGANIZATION VIEW
        run COLLABORATION VIEW
        study ORGANIZATION VIEW
        task COLLABORATION VIEW
        """,
    ),
    (
        "node",
        "node role",
        """
        collaboration ORGANIZATION VIEW
        node ORGANIZATION EDIT VIEW
        organization COLLABORATION VIEW
        organization ORGANIZATION EDIT VIEW
        port ORGANIZATION VIEW
        run COLLABORATION VIEW
        study ORGANIZATION VIEW
        task COLLABORATION VIEW
        """,
    ),
    (
        "Viewer",
        "Can manage their own account and view resources related to their organization",
        """
        collaboration ORGANIZATION VIEW
        event COLLABORATION RECEIVE
        event ORGANIZATION RECEIVE
        node COLLABORATION VIEW
        node ORGANIZATION VIEW
        organization COLLABORATION VIEW
        organization ORGANIZATION VIEW
        port ORGANIZATION VIEW
        role ORGANIZATION VIEW
        run COLLABORATION VIEW
        study ORGANIZATION VIEW
        task COLLABORATION VIEW
        user ORGANIZATION VIEW
        user OWN DELETE EDIT
        """,
    ),
    (
        "Researcher",
        "Can perform tasks, manage their own account, and view resources related to their organization",
        """
        collaboration ORGANIZATION VIEW
        event COLLABORATION RECEIVE
        event ORGANIZATION RECEIVE
        node COLLABORATION VIEW
        node ORGANIZATION VIEW
        organization COLLABORATION VIEW
        organization ORGANIZATION VIEW
        port ORGANIZATION VIEW
        role ORGANIZATION VIEW
        run COLLABORATION VIEW
        study ORGANIZATION VIEW
        task COLLABORATION CREATE VIEW
        task ORGANIZATION DELETE
        user ORGANIZATION VIEW
        user OWN DELETE EDIT
        """,
    ),
    (
        "Organization Admin",
        "Can manage an organization including its users, roles, and nodes.",
        """
        collaboration ORGANIZATION VIEW
        event COLLABORATION RECEIVE
        event ORGANIZATION RECEIVE SEND
        node COLLABORATION VIEW
        node ORGANIZATION CREATE EDIT VIEW
        organization COLLABORATION VIEW
        organization ORGANIZATION EDIT VIEW
        port ORGANIZATION VIEW
        role ORGANIZATION CREATE DELETE EDIT VIEW
        run COLLABORATION VIEW
        study ORGANIZATION VIEW
        task COLLABORATION VIEW
        user ORGANIZATION CREATE DELETE EDIT VIEW
        user OWN DELETE EDIT
        """,
    ),
    (
        "Collaboration Admin",
        (
            "Can manage a collaboration including its organization and users. Also has permissions of "
            "an organization admin and researcher."
        ),
        """
        collaboration COLLABORATION EDIT
        collaboration ORGANIZATION VIEW
        event COLLABORATION RECEIVE SEND
        event ORGANIZATION RECEIVE SEND
        node COLLABORATION CREATE DELETE VIEW
        node ORGANIZATION CREATE EDIT VIEW
        organization COLLABORATION EDIT VIEW
        organization GLOBAL VIEW
        organization ORGANIZATION EDIT VIEW
        port ORGANIZATION VIEW
        role COLLABORATION VIEW
        role ORGANIZATION CREATE DELETE EDIT VIEW
        run COLLABORATION VIEW
        study COLLABORATION CREATE DELETE EDIT VIEW
        study ORGANIZATION VIEW
        task COLLABORATION CREATE VIEW
        task ORGANIZATION DELETE
        user COLLABORATION CREATE EDIT VIEW
        user ORGANIZATION CREATE DELETE EDIT VIEW
        user OWN DELETE EDIT
        """,
    ),
)
"""Name, description and rules (None for all) of each default role."""


def _read_rules() -> Sequence[CatalogueRule]:
    read = []
    for number, line in enumerate(_RULES.strip().splitlines(), start=1):
        resource, scope, operation, description = line.split(" ", 3)
        read.append(CatalogueRule(number, Rule(Resource(resource), Scope(scope), Operation(operation)), description))
    return tuple(read)


def _read_roles(catalogue: Sequence[CatalogueRule]) -> Sequence[DefaultRole]:
    every = frozenset(entry.rule for entry in catalogue)
    return tuple(
        DefaultRole(number, name, description, every if text is None else _read_role(text))
        for number, (name, description, text) in enumerate(_ROLES, start=1)
    )


def _read_role(text: str) -> frozenset[Rule]:
    held: set[Rule] = set()
    for line in text.strip().splitlines():
        resource, scope, *operations = line.split()
        held |= {Rule(Resource(resource), Scope(scope), Operation(operation)) for operation in operations}
    return frozenset(held)


RULES: Final = _read_rules()
DEFAULT_ROLES: Final = _read_roles(RULES)
RULE_IDS: Final = {entry.rule: entry.id for entry in RULES}
