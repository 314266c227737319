"""Every defect of the original that came listed with the contract gets the right answer and a test.

Most show in the recordings, and `deviations` says what is right instead; here stand the tests of the others, and of
what the recordings show only in part. The ids are those of `recordings/defects.txt`, in the order of the list.
"""

import ast
from collections.abc import Collection
from functools import cache
from pathlib import Path

import pytest

from . import recording
from .deviations import DEVIATIONS

ROOT = Path(__file__).parents[2]
DEFECTS = (recording.FOLDER / "defects.txt").read_text(encoding="utf-8").split()

_API = "services/api/tests"
_AUTH = "services/auth/tests/db"
_RELAY = "services/relay/tests"

TESTS: dict[str, Collection[str]] = {
    "mail-takeover": [f"{_AUTH}/test_users.py::test_a_stronger_account_is_not_edited_into_ones_hands"],
    "socket-spoof": [f"{_API}/work/test_run_commands.py::test_what_is_not_the_nodes_or_makes_no_sense_is_dropped"],
    "two-factor-guessing": [
        f"{_AUTH}/test_second_factor.py::test_wrong_codes_lock_and_even_the_right_one_is_refused_then",
        f"{_AUTH}/test_second_factor.py::test_a_code_counts_once",
    ],
    "kill-node": [f"{_API}/work/test_kills.py::test_a_node_is_cleared_of_all_its_runs"],
    "container-token": [
        f"{_API}/work/test_task_creation.py::test_a_container_ends_with_its_run",
        f"{_API}/work/test_task_creation.py::test_a_container_of_a_node_without_a_run_gets_nowhere",
    ],
    "id-reuse": [
        f"{_AUTH}/test_users.py::test_a_deleted_users_id_is_never_given_to_another",
        f"{_API}/test_schema.py::test_every_counted_id_counts_on_sqlite_for_ever",
    ],
    "own-name-wildcard": [
        f"{_AUTH}/test_users.py::test_without_a_right_one_finds_oneself_by_ones_exact_name_alone",
    ],
    "sort-by-secret": [f"{_AUTH}/test_users.py::test_a_senseless_query_is_the_callers_mistake"],
    "nodes-see-all-nodes": [
        f"{_RELAY}/test_rooms.py::test_a_node_sits_in_the_four_rooms_that_it_belongs_to",
        f"{_RELAY}/test_rooms.py::test_a_connection_in_several_rooms_of_an_audience_is_found_once",
    ],
    "encryption-flip": [f"{_API}/test_collaborations.py::test_encryption_is_settled_once_there_are_tasks"],
    "run-patch-any-node": [f"{_API}/work/test_run_changes.py::test_only_the_runs_own_node_may_change_it"],
    "store-gets-token": [
        f"{_API}/test_stores.py::test_where_local_stores_are_not_allowed_force_does_not_help",
        f"{_API}/test_stores.py::test_a_name_that_came_to_mean_something_local_is_not_asked",
    ],
    "reset-with-other-token": [f"{_AUTH}/test_password_recovery.py::test_a_token_of_a_login_sets_no_password"],
    "one-recovery-mail": [
        f"{_AUTH}/test_password_recovery.py::test_a_second_mail_is_sent_once_the_first_is_an_hour_old_and_not_before",
    ],
    "result-wiped": [f"{_API}/work/test_run_changes.py::test_what_is_not_sent_stays_as_it_is"],
    "offline-while-connected": [
        f"{_API}/test_presence.py::test_a_node_stays_online_while_one_of_two_connections_lives",
    ],
    "default-roles-editable": [f"{_AUTH}/test_roles.py::test_default_roles_are_changed_by_nobody"],
    "long-password": [f"{_AUTH}/test_passwords.py::test_all_of_a_long_password_counts"],
    "localhost-check": [f"{_API}/test_stores.py::test_a_local_store_needs_force_however_it_is_spelled"],
    "like-case": [
        f"{_API}/test_collaborations.py::test_lists_are_filtered_by_name_encryption_organization_and_store",
        f"{_API}/test_studies.py::test_lists_are_filtered_and_containers_may_ask_too",
    ],
    "links-lose-repeats": ["shared/tests/http/test_pagination.py::test_links_keep_all_values_of_what_is_repeated"],
    "member-twice": [
        f"{_API}/test_collaborations.py::test_members_come_and_go_and_each_change_is_told_with_its_revision",
        f"{_API}/test_studies.py::test_the_members_of_a_study_change",
        f"{_AUTH}/test_roles.py::test_rules_come_into_a_role_and_go",
    ],
    "container-subtask-deleted": [
        f"{_API}/work/test_task_creation.py::test_a_container_of_a_deleted_task_gets_nowhere",
    ],
    "self-registered-status": [f"{_API}/test_system.py::test_health_is_503_when_the_database_is_away"],
    "sockets-unauthenticated": [
        f"{_RELAY}/test_bad_tokens.py::test_a_connection_without_a_token_is_told_and_put_out",
        f"{_RELAY}/test_bad_tokens.py::test_a_connection_that_was_told_hears_and_says_nothing",
    ],
}
"""By defect, the tests that show the right answer."""


@cache
def _tests_in(path: str) -> Collection[str]:
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return [node.name for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_has_a_test_of_what_is_right(defect: str) -> None:
    assert defect in {deviation.rule for deviation in DEVIATIONS} | TESTS.keys()


@pytest.mark.parametrize("defect", TESTS)
def test_the_tests_that_are_named_are_there(defect: str) -> None:
    named = [test.partition("::") for test in TESTS[defect]]
    assert defect in DEFECTS
    assert [name for path, _, name in named if name not in _tests_in(path)] == []
