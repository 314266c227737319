"""When guessing locks an account."""

from datetime import UTC, datetime, timedelta

from sextant_auth.credentials.lockout_policy import Guesses, LockoutPolicy, after_failure

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = LockoutPolicy(max_failures=3, locked_for=timedelta(minutes=15))


def failures(number: int, *, at: datetime = NOW) -> Guesses:
    guesses = Guesses()
    for _ in range(number):
        guesses = after_failure(guesses, POLICY, at)
    return guesses


def test_as_many_failures_as_allowed_less_one_lock_nothing() -> None:
    assert not failures(2).is_locked(NOW)


def test_the_last_allowed_failure_locks_for_the_time_that_is_set() -> None:
    locked = failures(3)

    assert locked.is_locked(NOW + timedelta(minutes=15) - timedelta(microseconds=1))
    assert not locked.is_locked(NOW + timedelta(minutes=15))


def test_failures_while_locked_change_nothing() -> None:
    assert after_failure(failures(3), POLICY, NOW + timedelta(minutes=10)) == failures(3)


def test_after_a_lock_counting_begins_anew() -> None:
    after = after_failure(failures(3), POLICY, NOW + timedelta(minutes=16))

    assert after == Guesses(failures=1)
