"""What is loaded of a run that talks a lot: enough to judge it alike, and no more."""

from datetime import timedelta

import pytest

from evidence.facts import MOST_OF_A_MEMBER, load_run_facts
from evidence.signals import Action
from monitors.conditions.document import parse_spec
from monitors.conditions.plan import reads_of
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.moments import instant, judge, tell, watched

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
SECOND = timedelta(seconds=1)


def page(check: str = "page.payload.shown > 0", **step: object) -> Monitor:
    rules = {"name": "page", "kind": "page", "check": check, **step}
    return watched(Mode.RUN, since=T0, document={"within": "1h", "steps": [rules]})


def say(monitor: Monitor, number: int, *, happened: int | None = None, **words: object) -> None:
    """The `number`-th piece to arrive, each a second after the other."""
    tell(
        monitor, Action.EVIDENCE, at=T0 + number * SECOND, external_run_id="r", kind="page",
        occurred_at=T0 + (number if happened is None else happened) * SECOND, **words,
    )  # fmt: skip


def test_the_latest_piece_counts_however_many_older_ones_come_after_it() -> None:
    monitor = page()
    for number in range(60):
        say(monitor, number, payload={"shown": 0})
    say(monitor, 200, payload={"shown": 7})
    for number in range(60):
        say(monitor, 201 + number, happened=60 + number, payload={"shown": 0})

    judge(at=T0 + 300 * SECOND)

    assert Run.objects.get().state == "proven"


def test_what_met_a_step_is_not_forgotten_among_many_that_say_nothing() -> None:
    monitor = page()
    for number in range(60):
        say(monitor, number, payload={"progress": number})
    say(monitor, 60, payload={"shown": 7})
    judge(at=T0 + 61 * SECOND)
    for number in range(61, 130):
        say(monitor, number, payload={"progress": number})

    judge(at=T0 + 300 * SECOND)

    assert Run.objects.get().state == "proven"


def test_a_member_that_talks_a_lot_costs_no_more_than_a_few_pieces() -> None:
    monitor = page(members="all")
    for number in range(30):
        say(monitor, number, ids={"member": "a"}, payload={"shown": 1})
    say(monitor, 40, ids={"member": "b"}, payload={"shown": 1})
    run = Run.objects.select_related("monitor").get()
    assert monitor.spec

    reads = reads_of([parse_spec(Mode.RUN, monitor.spec.document)])
    pieces = load_run_facts([run], [], reads)[run.pk].evidence

    assert len([p for p in pieces if p.member == "a"]) == 2 * MOST_OF_A_MEMBER
    assert len([p for p in pieces if p.member == "b"]) == 1
