"""The rules and default roles of the wire."""

from sextant_auth.catalogue import DEFAULT_ROLES, RULES
from sextant_shared.contract.permissions import Operation, Resource, Rule, Scope


def test_there_are_the_rules_of_the_wire_with_ids_from_one() -> None:
    assert [entry.id for entry in RULES] == list(range(1, 87))
    assert len({entry.rule for entry in RULES}) == 86


def test_there_are_the_roles_of_the_wire_in_their_order() -> None:
    assert [(role.id, role.name, len(role.rules)) for role in DEFAULT_ROLES] == [
        (1, "Root", 86),
        (2, "container", 8),
        (3, "node", 10),
        (4, "Viewer", 15),
        (5, "Researcher", 17),
        (6, "Organization Admin", 25),
        (7, "Collaboration Admin", 41),
    ]


def test_every_role_is_made_of_rules_that_there_are() -> None:
    known = {entry.rule for entry in RULES}

    assert all(role.rules <= known for role in DEFAULT_ROLES)


def test_only_researchers_and_stronger_may_create_tasks() -> None:
    create = Rule(Resource.TASK, Scope.COLLABORATION, Operation.CREATE)

    assert {role.name for role in DEFAULT_ROLES if create in role.rules} == {
        "Root",
        "Researcher",
        "Collaboration Admin",
    }
