"""Spoilt proofs: which of them anybody would notice, and what is listed when nobody would."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitors.conditions.mutation import Change, NotProven, Score, mutate
from monitors.conditions.rules import Comfort, Mode, Share, Spec, Step, Strength
from monitors.conditions.values import RunFacts, Waiver
from tests.unit.conditions.instants import (
    CONTENT,
    DRILL,
    HOUR,
    JOB,
    blind,
    facts,
    minutes,
    noon,
    piece,
    started,
    succeeded,
)
from tests.unit.conditions.strategies import evidence

KEPT = facts(
    started(),
    piece("upload", "upload", 5, payload={"rows": 42, "name": "a.dump", "done": True}),
    piece("restore", "restore_check", 20, strength=Strength.RECEIPT),
    succeeded(25),
)


def checked(condition: str) -> Spec:
    upload, restore = DRILL.steps
    return replace(DRILL, steps=(replace(upload, check=condition), restore))


def holes(score: Score) -> set[tuple[Change, str]]:
    return {(each.change, each.path or each.kind) for each in score.unnoticed}


def test_what_is_dropped_or_delayed_is_noticed_by_its_deadline() -> None:
    score = mutate(DRILL, KEPT)

    assert (score.tried, score.noticed, score.unnoticed) == (4, 4, ())


def test_a_delay_is_noticed_by_no_one_without_a_deadline() -> None:
    score = mutate(replace(DRILL, within=None), KEPT)

    assert holes(score) == {(Change.DELAYED, "upload"), (Change.DELAYED, "restore_check")}


def test_a_late_run_made_later_is_noticed_by_the_file_that_stays_open() -> None:
    late = facts(
        started(),
        piece("upload", "upload", 5),
        piece("restore", "restore_check", 50, strength=Strength.RECEIPT),
        succeeded(25),
    )

    score = mutate(DRILL, late)

    assert (score.tried, score.noticed, score.unnoticed) == (4, 4, ())


def test_evidence_that_no_step_reads_is_missed_by_nobody() -> None:
    score = mutate(DRILL, replace(KEPT, evidence=(*KEPT.evidence, piece("n", "note", 6))))

    assert holes(score) == {(Change.DROPPED, "note"), (Change.DELAYED, "note")}


def test_a_second_proof_stands_in_for_the_first() -> None:
    again = piece("again", "upload", 6, payload={"rows": 1})
    score = mutate(DRILL, replace(KEPT, evidence=(*KEPT.evidence, again)))

    assert holes(score) == {(Change.DROPPED, "upload"), (Change.DELAYED, "upload")}
    assert {each.among for each in score.unnoticed} == {2}


def test_that_none_of_several_came_is_a_way_of_its_own() -> None:
    notes = (piece("n1", "note", 6), piece("n2", "note", 7))
    score = mutate(DRILL, replace(KEPT, evidence=(*KEPT.evidence, *notes)))

    (none,) = [each for each in score.unnoticed if each.change is Change.NONE_CAME]
    assert (none.kind, none.among) == ("note", 2)


def test_ids_that_a_condition_reads_are_altered_too() -> None:
    kept = facts(
        started(),
        piece("upload", "upload", 5, ids={"bucket": "b1", "job": "j1"}),
        KEPT.evidence[2],
    )

    weak = mutate(checked("upload.ids.bucket != ''"), kept)
    strict = mutate(checked("upload.ids.bucket == 'b1'"), kept)

    assert [(each.path, each.old, each.new) for each in weak.unnoticed] == [
        ("ids.bucket", "b1", "other")
    ]
    assert (strict.unnoticed, strict.tried) == ((), weak.tried)


def test_a_wide_spec_is_tried_in_a_bounded_time_and_says_what_was_left_out() -> None:
    names = [f"s{n}" for n in range(32)]
    steps = tuple(
        Step(name=name, claim=name, kind=name, check=f"size({name}.payload) >= 0") for name in names
    )
    wide = [piece(name, name, 5, payload={f"v{n}": n for n in range(20)}) for name in names]

    score = mutate(Spec(mode=Mode.RUN, within=HOUR, steps=steps), facts(started(), *wide))

    assert score.tried + score.untried == 32 * (2 + 20 * 4)
    assert 32 * 2 < score.tried < 500


def test_comforts_and_the_workers_own_word_are_left_alone() -> None:
    green = replace(DRILL, comforts=(Comfort(name="queue", claim="Empty", kind="queue"),))
    score = mutate(green, replace(KEPT, evidence=(*KEPT.evidence, piece("q", "queue", 4))))

    assert score.tried == 4


def test_the_workers_own_word_matters_where_nothing_else_is_asked() -> None:
    score = mutate(JOB, facts(started(), succeeded(5)))

    assert (score.tried, score.noticed) == (2, 2)


def test_only_values_that_a_condition_reads_are_altered() -> None:
    score = mutate(checked("upload.payload.rows > 0"), KEPT)

    assert score.unnoticed == ()
    assert score.tried == 4 + 4  # other value, wrong type, null, gone


@pytest.mark.parametrize(
    ("condition", "unnoticed"),
    [
        ("upload.payload.done", set()),
        ("upload.payload.name == 'a.dump' && upload.payload.done", set()),
        ("has(upload.payload.rows)", {Change.OTHER_VALUE, Change.WRONG_TYPE, Change.NULL}),
        ("upload.payload.rows >= 0", {Change.OTHER_VALUE}),
        ("upload.payload.name != ''", {Change.OTHER_VALUE, Change.WRONG_TYPE, Change.NULL}),
    ],
)
def test_a_weak_condition_lets_values_through(condition: str, unnoticed: set[Change]) -> None:
    score = mutate(checked(condition), KEPT)

    assert {each.change for each in score.unnoticed} == unnoticed


def test_another_value_is_never_the_same_one() -> None:
    spec = checked("upload.payload.name == 'other'")
    sound = facts(started(), piece("u", "upload", 5, payload={"name": "other"}), KEPT.evidence[2])

    assert mutate(spec, sound).unnoticed == ()


def test_an_altered_value_is_told_with_what_it_was() -> None:
    (hole,) = mutate(checked("upload.payload.rows >= 0"), KEPT).unnoticed

    assert (hole.kind, hole.evidence_id, hole.path) == ("upload", "upload", "payload.rows")
    assert (hole.old, hole.new) == (42, 0)


def test_values_in_lists_have_their_place_in_the_path() -> None:
    spec = checked("upload.payload.parts.exists(p, p.ok)")
    parts = {"parts": [{"ok": True}, {"ok": True}]}
    sound = facts(started(), piece("upload", "upload", 5, payload=parts), KEPT.evidence[2])

    paths = {each.path for each in mutate(spec, sound).unnoticed if each.path}

    assert paths == {"payload.parts[0].ok", "payload.parts[1].ok"}


def test_a_member_that_never_came_is_noticed_when_all_are_wanted() -> None:
    def score(share: Share) -> Score:
        step = Step(name="seen", claim="Seen", kind="seen", members=share)
        spec = Spec(mode=Mode.RUN, within=HOUR, steps=(step,))
        members = [piece(name, "seen", 5, ids={"member": name}) for name in "abc"]
        start = replace(started(), expected={"members": ["a", "b", "c"]})
        return mutate(spec, facts(start, *members))

    lost = [each for each in score(Share(at_least=2)).unnoticed if each.change == "member_lost"]

    assert score(Share(every=True)).unnoticed == ()
    assert [each.member for each in lost] == ["a", "b", "c"]


def test_content_is_judged_while_it_is_still_fresh() -> None:
    score = mutate(CONTENT, facts(piece("old", "ping", 0), piece("new", "ping", 40)))

    assert holes(score) == {(Change.DROPPED, "ping"), (Change.DELAYED, "ping")}
    assert {each.evidence_id for each in score.unnoticed} == {"old"}


def test_waivers_and_blindness_hide_nothing_from_the_test() -> None:
    waiver = Waiver(at=noon(1), until=noon(2), reason="because")
    score = mutate(DRILL, replace(KEPT, waiver=waiver, blind=(blind(30, None),)))

    assert score.unnoticed == ()


@pytest.mark.parametrize("known", [RunFacts(), facts(started()), facts(piece("u", "upload", 5))])
def test_what_is_not_proven_cannot_be_spoilt(known: RunFacts) -> None:
    with pytest.raises(NotProven):
        mutate(DRILL, known)


@given(st.lists(evidence(), max_size=5, unique_by=lambda piece: piece.id))
def test_who_drops_the_only_proof_is_always_noticed(others: list) -> None:
    only = piece("only", "restore_check", 30, strength=Strength.RECEIPT)
    spec = replace(DRILL, comforts=(), within=minutes(90))
    known = facts(*(each for each in others if each.kind != "restore_check"), only)
    try:
        score = mutate(spec, known)
    except NotProven:
        assume(False)
    assert (Change.DROPPED, "restore_check") not in holes(score)
    assert 0 <= score.noticed <= score.tried
    assert score.tried - score.noticed == len(score.unnoticed)
