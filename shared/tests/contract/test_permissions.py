"""Rules as text and as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sextant_shared.contract.permissions import Operation, Resource, Rule, Rules, Scope

rules = st.builds(Rule, st.sampled_from(Resource), st.sampled_from(Scope), st.sampled_from(Operation))


@given(rule=rules)
def test_a_rule_is_read_as_it_was_written(rule: Rule) -> None:
    assert rule == Rule.parse(str(rule))


def test_a_rule_is_written_as_resource_scope_operation() -> None:
    assert str(Rule(Resource.TASK, Scope.COLLABORATION, Operation.CREATE)) == "task:COLLABORATION:CREATE"


@pytest.mark.parametrize(
    "text", ["", "task", "task:COLLABORATION", "task:COLLABORATION:CREATE:x", "task:collaboration:CREATE", "x:OWN:VIEW"]
)
def test_what_is_no_rule_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Rule.parse(text)


@given(held=st.frozensets(rules, max_size=12), asked=rules)
def test_an_operation_is_allowed_with_exactly_the_scopes_that_are_held(held: frozenset[Rule], asked: Rule) -> None:
    rights = Rules(held)

    assert rights.allow(asked.resource, asked.operation, asked.scope) is (asked in held)
    assert (asked.scope in rights.scopes(asked.resource, asked.operation)) is (asked in held)
    assert rights.allow(asked.resource, asked.operation, *Scope) is bool(rights.scopes(asked.resource, asked.operation))


def test_no_scope_at_all_allows_nothing() -> None:
    rights = Rules([Rule(Resource.TASK, Scope.GLOBAL, Operation.VIEW)])

    assert not rights.allow(Resource.TASK, Operation.VIEW)
