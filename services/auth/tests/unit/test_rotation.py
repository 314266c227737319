"""How signing keys take turns."""

from datetime import UTC, datetime, timedelta

from sextant_auth.keys.rotation import (
    CreateActive,
    CreatePending,
    KeyLife,
    KeyState,
    Promote,
    Retire,
    RotationPolicy,
    next_step,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = RotationPolicy(
    rotate_after=timedelta(days=30), publish_for=timedelta(minutes=10), verify_for=timedelta(days=40)
)
ACTIVE = KeyLife("old", KeyState.ACTIVE, created_at=START, activated_at=START)


def after(**passed: float) -> datetime:
    return START + timedelta(**passed)


def test_without_any_key_one_is_made_that_signs_at_once() -> None:
    assert next_step([], POLICY, START) == CreateActive()


def test_a_young_key_is_left_alone() -> None:
    assert next_step([ACTIVE], POLICY, after(days=29)) is None


def test_a_successor_is_published_before_the_key_is_old() -> None:
    assert next_step([ACTIVE], POLICY, after(days=30, minutes=-10)) == CreatePending()


def test_a_successor_does_not_sign_before_its_time() -> None:
    pending = KeyLife("new", KeyState.PENDING, created_at=after(days=30, minutes=-10))

    assert next_step([ACTIVE, pending], POLICY, after(days=30, seconds=-1)) is None
    assert next_step([ACTIVE, pending], POLICY, after(days=30)) == Promote(pending="new", active="old")


def test_a_successor_that_came_late_is_published_in_full_all_the_same() -> None:
    pending = KeyLife("new", KeyState.PENDING, created_at=after(days=50))

    assert next_step([ACTIVE, pending], POLICY, after(days=50, minutes=9)) is None
    assert next_step([ACTIVE, pending], POLICY, after(days=50, minutes=10)) == Promote("new", "old")


def test_a_pending_key_without_an_active_one_signs_at_once() -> None:
    pending = KeyLife("new", KeyState.PENDING, created_at=START)

    assert next_step([pending], POLICY, START) == Promote(pending="new", active=None)


def test_a_replaced_key_verifies_as_long_as_what_it_signed_may_live() -> None:
    active = KeyLife("new", KeyState.ACTIVE, created_at=after(days=30), activated_at=after(days=30))
    passive = KeyLife("old", KeyState.PASSIVE, created_at=START, activated_at=START, demoted_at=after(days=15))

    assert next_step([active, passive], POLICY, after(days=55, seconds=-1)) is None
    assert next_step([active, passive], POLICY, after(days=55)) == Retire("old")
