"""The tree below a state: what could be known at an instant, what each condition read, who vouched."""

from dataclasses import replace

from hypothesis import given

from monitors.conditions.fold import fold
from monitors.conditions.rules import Mode, Share, Spec, Step, Strength
from monitors.conditions.values import Evidence, State, Verdict
from monitors.conditions.why import Part, Seen, StepWhy, Why, explain
from tests.unit.conditions.instants import DRILL, HOUR, JOB, facts, failed, noon, piece, started
from tests.unit.conditions.strategies import cases

UPLOAD, RESTORE = DRILL.steps
CHECKED = replace(
    DRILL,
    steps=(
        replace(UPLOAD, check="upload.payload.rows == expected.rows && upload.ids.bucket != ''"),
        replace(RESTORE, not_by=("api",)),
    ),
)
KNOWN = facts(
    replace(started(), expected={"rows": 42}),
    piece("upload", "upload", 5, payload={"rows": 41}),
    piece("weak", "restore_check", 10),
    piece("own", "restore_check", 20, strength=Strength.RECEIPT),
    piece("seen", "restore_check", 30, strength=Strength.RECEIPT, source="stripe"),
)


def step(spec: Spec, name: str, after: float) -> StepWhy:
    steps = explain(spec, KNOWN, noon(after)).steps
    return next(each for each in steps if each.standing.step == name)


def parts(found: StepWhy) -> list[tuple[str, Part]]:
    return [(each.piece.id, each.part) for each in found.witnesses]


def test_each_path_of_a_condition_tells_the_value_that_it_read_or_that_it_was_missing() -> None:
    assert step(CHECKED, "upload", 6).seen == (
        Seen(path="upload.payload.rows", is_missing=False, value=41),
        Seen(path="expected.rows", is_missing=False, value=42),
        Seen(path="upload.ids.bucket", is_missing=True),
    )


def test_before_the_evidence_came_all_of_it_was_missing() -> None:
    found = step(CHECKED, "upload", 4)

    assert [each.path for each in found.seen if each.is_missing] == [
        "upload.payload.rows",
        "upload.ids.bucket",
    ]
    assert (found.standing.verdict, found.witnesses) == (Verdict.NOT_YET, ())


def test_who_may_not_vouch_is_named_with_the_cause() -> None:
    assert parts(step(CHECKED, "restore", 25)) == [
        ("own", Part.MAY_NOT_VOUCH),
        ("weak", Part.TOO_WEAK),
    ]


def test_the_proof_comes_first() -> None:
    assert parts(step(CHECKED, "restore", 40))[0] == ("seen", Part.SHOWN)


def test_what_was_received_later_was_not_known() -> None:
    late = replace(piece("late", "restore_check", 30, strength=Strength.RECEIPT))
    late = replace(late, received_at=noon(50))
    known = facts(started(), piece("upload", "upload", 5), late)

    before, after = explain(DRILL, known, noon(40)), explain(DRILL, known, noon(50))

    assert (before.judgement.state, before.known, before.came_later) == (State.OPEN, 2, 1)
    assert (after.judgement.state, after.judgement.since) == (State.PROVEN, noon(30))


def test_an_opening_that_was_dated_back_later_was_not_known() -> None:
    late = replace(piece("late", "note", -30), received_at=noon(50))
    known = facts(started(), late, opened_at=noon(-30))

    assert explain(DRILL, known, noon(20)).judgement.path[0].at == noon(0)
    assert explain(DRILL, known, noon(50)).judgement.path[0].at == noon(-30)


def test_the_implicit_step_shows_all_that_was_said() -> None:
    found = explain(JOB, facts(started(), failed(5)), noon(6)).steps[0]

    assert found.rule is None
    assert parts(found) == [("fail", Part.SHOWN), ("start", Part.READ)]


def test_entries_of_a_list_are_told_together() -> None:
    spec = replace(
        DRILL, steps=(replace(UPLOAD, check="upload.payload.parts.all(p, p.ok)"), RESTORE)
    )
    parts_of = {"parts": [{"ok": True}, {"ok": False}]}
    found = explain(spec, facts(piece("u", "upload", 5, payload=parts_of)), noon(6)).steps[0]

    assert (
        Seen(path="upload.payload.parts[*].ok", is_missing=False, value=[True, False]) in found.seen
    )


def batch(*pieces: Evidence, at: float = 90) -> Why:
    step = Step(
        name="mailed",
        claim="Mailed",
        kind="mailed",
        check="!mailed.payload.bounced",
        members=Share(every=True),
    )
    spec = Spec(mode=Mode.RUN, within=HOUR, steps=(step,))
    start = replace(started(), expected={"members": ["a", "b", "c[1]", "d"]})
    return explain(spec, facts(start, *pieces), noon(at))


def mailed(member: str, after: float, *, bounced: bool = False) -> Evidence:
    return piece(member, "mailed", after, ids={"member": member}, payload={"bounced": bounced})


def test_of_a_batch_the_members_that_have_not_met_it_are_told_first() -> None:
    (found,) = batch(
        mailed("c[1]", 2, bounced=True), *(mailed(f"x{n}", 5) for n in range(20)), mailed("b", 6)
    ).steps

    assert found.standing.missing == ("mailed[a]", "mailed[c[1]]", "mailed[d]")
    assert found.witnesses[0].piece.member == found.member == "c[1]"
    assert found.seen == (Seen(path="mailed.payload.bounced", is_missing=False, value=True),)
    assert found.witnesses[1].piece.member == "b"
    assert not found.is_unheard


def test_of_a_batch_of_whose_missing_members_nothing_came_the_latest_one_is_seen() -> None:
    (found,) = batch(mailed("a", 2), mailed("b", 6)).steps

    assert (found.member, found.witnesses[0].piece.member) == ("b", "b")
    assert found.is_unheard


def test_each_letter_tells_when_it_could_first_be_known() -> None:
    late = replace(piece("late", "restore_check", 30, strength=Strength.RECEIPT))
    known = facts(started(), piece("upload", "upload", 5), replace(late, received_at=noon(50)))

    found = explain(DRILL, known, noon(55))

    assert [(move.letter, told_at) for move, told_at in found.letters] == [
        ("A", noon(0)),
        ("B", noon(50)),
    ]
    assert explain(DRILL, known, noon(50)).judgement.state is State.PROVEN


@given(cases())
def test_it_is_what_the_fold_says_of_the_evidence_received_by_then(case: tuple) -> None:
    spec, known, at = case
    pieces = tuple(each for each in known.evidence if each.received_at <= at)
    found = explain(spec, known, at)

    assert found.known == len(pieces)
    if found.known == len(known.evidence):
        assert found.judgement == fold(spec, known, at)
    assert [each.standing for each in found.steps] == list(found.judgement.steps)
