"""Fresh means that the content is recent, not that somebody said something recently."""

from monitors.conditions.fold import fold
from monitors.conditions.values import (
    Cause,
    Reason,
    State,
    Verdict,
    Waiver,
)
from tests.unit.conditions.instants import (
    CONTENT,
    NOON,
    blind,
    facts,
    minutes,
    noon,
    piece,
)


def content(after, of, name=None):
    """A signal that says how recent the content is."""
    return piece(name or f"{after}/{of}", "ping", after, fresh_as_of=noon(of))


def letters(judgement):
    return "".join(move.letter for move in judgement.path)


def test_recent_content_is_proven_and_expires_by_its_own_age():
    judgement = fold(CONTENT, facts(content(0, -20)), noon(10))

    assert (letters(judgement), judgement.review_at) == ("AB", noon(40))
    assert judgement.steps[0].verdict is Verdict.HOLDING
    assert judgement.missing == ()


def test_a_signal_now_with_old_content_is_stale():
    judgement = fold(CONTENT, facts(content(0, -60)), NOON)

    assert (letters(judgement), judgement.breaks[0].cause) == ("AD", Cause.STALE)
    assert judgement.missing == ("freshAsOf",)


def test_proven_content_grows_stale_and_recovers():
    stale = fold(CONTENT, facts(content(0, 0)), noon(60))
    again = fold(CONTENT, facts(content(0, 0), content(75, 70)), noon(80))

    assert (letters(stale), stale.reason, stale.since) == ("ABG", Reason.CONTENT_OLD, noon(60))
    assert letters(again) == "ABGH"
    assert (again.breaks[0].since, again.breaks[0].until) == (noon(60), noon(75))


def test_content_that_was_stale_from_the_first_is_late_when_it_comes():
    judgement = fold(CONTENT, facts(content(0, -70), content(5, 0)), noon(6))

    assert (letters(judgement), judgement.lateness) == ("ADB", minutes(15))


def test_a_newer_signal_about_older_content_changes_nothing():
    judgement = fold(CONTENT, facts(content(0, 0), content(50, -30)), noon(60))

    assert (letters(judgement), judgement.since) == ("ABG", noon(60))


def test_content_from_the_future_is_as_recent_as_its_signal():
    assert fold(CONTENT, facts(content(0, 500)), noon(60)).state is State.CONTRADICTED


def test_a_signal_that_does_not_say_vouches_for_its_own_moment():
    assert fold(CONTENT, facts(piece("p", "ping", 0)), NOON).review_at == noon(60)


def test_blindness_puts_the_expiry_off():
    dark = facts(content(0, 0), blind=(blind(30, 45),))

    assert letters(fold(CONTENT, dark, noon(60))) == "ABJ"
    assert letters(fold(CONTENT, dark, noon(75))) == "ABJK"
    assert fold(CONTENT, dark, noon(75)).breaks[0].cause is Cause.STALE


def test_content_that_is_old_when_it_arrives_is_stale_however_blind_we_were():
    dark = facts(content(0, -90), blind=(blind(-80, None),))

    assert fold(CONTENT, dark, NOON).state is State.OVERDUE


def test_old_content_arriving_in_doubt_settles_it():
    dark = facts(content(0, 0), content(70, 5), blind=(blind(30, 45),))
    judgement = fold(CONTENT, dark, noon(71))

    assert (letters(judgement), judgement.state) == ("ABJK", State.CONTRADICTED)


def test_below_a_waiver_the_content_still_ages():
    waived = facts(
        content(0, -120), waiver=Waiver(at=noon(1), until=noon(200), reason="moving house")
    )
    refreshed = facts(content(5, 4), *waived.evidence, waiver=waived.waiver)

    assert fold(CONTENT, refreshed, noon(10)).steps[0].verdict is Verdict.HOLDING
    assert fold(CONTENT, refreshed, noon(10)).review_at == noon(64)
    assert fold(CONTENT, refreshed, noon(64)).steps[0].verdict is Verdict.NOT_YET
    assert fold(CONTENT, refreshed, noon(200)).state is State.CONTRADICTED
