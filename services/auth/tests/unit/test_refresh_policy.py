"""Which refresh tokens of a login are still good."""

from datetime import UTC, datetime, timedelta

from sextant_auth.tokens.refresh_policy import Family, RefreshPolicy, Verdict, advanced, judge, new_family

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICY = RefreshPolicy(grace=timedelta(seconds=30), idle_life=timedelta(hours=48), absolute_life=timedelta(days=90))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def used(*presented: tuple[int, float]) -> Family:
    """A family after tokens were shown at certain seconds, all of them with success."""
    family = new_family(POLICY, START)
    for generation, seconds in presented:
        verdict = judge(family, generation, POLICY, at(seconds))
        assert verdict in (Verdict.ROTATE, Verdict.REPLACE, Verdict.REPEAT)
        if verdict is not Verdict.REPEAT:
            family = advanced(family, generation, POLICY, at(seconds))
    return family


def test_the_newest_token_gives_the_next_generation() -> None:
    assert judge(new_family(POLICY, START), 0, POLICY, at(1)) is Verdict.ROTATE
    assert used((0, 1)).generation == 1


def test_a_token_used_a_moment_ago_is_answered_again_without_harm() -> None:
    assert judge(used((0, 10)), 0, POLICY, at(40)) is Verdict.REPEAT


def test_the_grace_holds_for_older_tokens_too_while_their_own_use_is_recent() -> None:
    family = used((0, 10), (1, 12), (2, 14))

    assert judge(family, 0, POLICY, at(39)) is Verdict.REPEAT
    assert judge(family, 0, POLICY, at(41)) is Verdict.REUSED


def test_a_lost_answer_may_be_asked_for_again_any_time_later() -> None:
    assert judge(used((0, 10)), 0, POLICY, at(3600)) is Verdict.REPLACE


def test_a_lost_answer_is_given_up_for_good() -> None:
    family = used((0, 10), (0, 3600))

    assert (family.generation, family.parent) == (2, 0)
    assert judge(family, 2, POLICY, at(3601)) is Verdict.ROTATE


def test_a_given_up_token_that_shows_up_after_all_is_a_copy() -> None:
    family = used((0, 10), (0, 3600))

    assert judge(family, 1, POLICY, at(3601)) is Verdict.REUSED


def test_an_answer_may_be_lost_more_than_once() -> None:
    family = used((0, 10), (0, 3600), (0, 7200))

    assert family.generation == 3
    assert judge(family, 3, POLICY, at(7300)) is Verdict.ROTATE


def test_a_token_whose_successor_was_used_is_a_copy_after_the_grace() -> None:
    assert judge(used((0, 10), (1, 3600)), 0, POLICY, at(3601)) is Verdict.REUSED


def test_a_generation_that_was_never_given_out_is_a_copy_of_nothing() -> None:
    assert judge(new_family(POLICY, START), 5, POLICY, at(1)) is Verdict.REUSED


def test_a_thief_and_the_owner_cannot_both_go_on() -> None:
    """Both have generation 1; whoever comes second, later than the grace, uncovers it at the latest two steps on."""
    family = used((0, 10), (1, 4000))
    thief = judge(family, 1, POLICY, at(8000))
    family = advanced(family, 1, POLICY, at(8000))

    assert thief is Verdict.REPLACE
    assert judge(family, 2, POLICY, at(12000)) is Verdict.REUSED


def test_a_login_ends_when_its_holder_stays_away_too_long() -> None:
    family = used((0, 10))

    assert judge(family, 1, POLICY, at(10 + 48 * 3600 - 1)) is Verdict.ROTATE
    assert judge(family, 1, POLICY, at(10 + 48 * 3600)) is Verdict.ENDED


def test_a_login_ends_at_its_absolute_life_however_often_it_is_refreshed() -> None:
    family = new_family(POLICY, START)
    for day in range(1, 90):
        family = advanced(family, family.generation, POLICY, START + timedelta(days=day))

    assert judge(family, family.generation, POLICY, START + timedelta(days=90)) is Verdict.ENDED
    assert family.expires_at == START + timedelta(days=90)


def test_without_an_absolute_life_a_login_goes_on_for_ever() -> None:
    policy = RefreshPolicy(grace=timedelta(0), idle_life=timedelta(days=30))
    family = new_family(policy, START)
    for month in range(1, 40):
        family = advanced(family, family.generation, policy, START + timedelta(days=29 * month))

    assert judge(family, family.generation, policy, START + timedelta(days=29 * 40)) is Verdict.ROTATE


def test_a_revoked_login_is_over() -> None:
    family = Family(
        generation=1,
        parent=0,
        superseded=(),
        created_at=START,
        rotated_at=START,
        expires_at=at(1000),
        revoked_at=at(5),
    )

    assert judge(family, 1, POLICY, at(6)) is Verdict.ENDED


def test_a_family_remembers_only_what_the_grace_needs() -> None:
    slow = used(*((generation, generation * 100.0) for generation in range(10)))
    fast = used(*((generation, generation * 0.1) for generation in range(100)))

    assert len(slow.superseded) == 1
    assert len(fast.superseded) <= 51
