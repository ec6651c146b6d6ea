"""Why a run stood as it did, from the rows: its own version of the rules, the evidence of that moment."""

import pytest

from evidence.signals import Action
from incidents.explaining import explain_run
from monitors.conditions.rules import Mode
from monitors.conditions.values import State
from monitors.models import Monitor, Run
from tests.factories.moments import judge, tell, watched
from tests.integration.test_backtesting import DAY, HOUR, MINUTE, RULES, T0, drill

pytestmark = pytest.mark.django_db


@pytest.fixture
def monitor() -> Monitor:
    return watched(Mode.RUN, since=T0 - DAY, document=RULES)


def again(run: Run) -> Run:
    return Run.objects.select_related("monitor").get(pk=run.pk)


def test_a_past_instant_is_told_as_it_could_be_known(monitor: Monitor) -> None:
    run = again(drill(monitor, "kept"))

    early = explain_run(run=run, at=T0 + 10 * MINUTE).why
    late = explain_run(run=run, at=T0 + HOUR).why

    assert (early.judgement.state, early.known, early.came_later) == (State.OPEN, 2, 1)
    assert (late.judgement.state, late.came_later) == (State.PROVEN, 0)
    assert [each.standing.step for each in late.steps] == ["uploaded", "restored"]


def test_the_last_letter_of_the_path_is_found_at_its_instant(monitor: Monitor) -> None:
    run = again(drill(monitor, "quiet", restored=False))

    for move in run.moves.order_by("at"):
        found = explain_run(run=run, at=move.at).why.judgement
        assert (found.path[-1].letter, found.state) == (move.letter, move.new_state)


def test_content_that_lives_on_is_told_from_its_beginning() -> None:
    content = watched(Mode.FRESHNESS, since=T0, document={"max_age": "1h"})
    for hour in range(5):
        told = tell(content, Action.PING, at=T0 + 2 * hour * HOUR)
        judge(at=T0 + 2 * hour * HOUR + MINUTE)
    run = again(Run.objects.get(pk=told.run_id) if told.run_id else Run.objects.get())

    assert explain_run(run=run, at=T0 + 30 * MINUTE).why.judgement.state is State.PROVEN
    assert explain_run(run=run, at=T0 + 90 * MINUTE).why.judgement.state is State.CONTRADICTED
