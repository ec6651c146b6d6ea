"""The last proven run of a monitor, spoilt: what nobody would have noticed."""

from datetime import timedelta

import pytest

from incidents.mutating import NothingProven, mutate_promise
from monitors.conditions.mutation import Change
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Run
from tests.factories.moments import watched
from tests.integration.test_backtesting import DAY, RULES, T0, drill

pytestmark = pytest.mark.django_db


@pytest.fixture
def monitor() -> Monitor:
    return watched(Mode.RUN, since=T0 - DAY, document=RULES)


def test_the_last_proven_run_is_spoilt_and_nothing_is_written(monitor: Monitor) -> None:
    drill(monitor, "older")
    proven = drill(monitor, "kept", at=T0 + DAY)
    drill(monitor, "quiet", restored=False, at=T0 + 2 * DAY)
    before = list(Run.objects.order_by("pk").values())

    found = mutate_promise(monitor=monitor, now=T0 + 3 * DAY)

    assert found.run == proven
    assert (found.score.tried, found.score.noticed) == (4, 4)
    assert list(Run.objects.order_by("pk").values()) == before


def test_other_rules_may_be_asked_before_they_are_saved(monitor: Monitor) -> None:
    drill(monitor, "kept")
    uploaded = {**RULES["steps"][0], "check": "upload.payload.rows >= 0"}
    rules = {**RULES, "steps": [uploaded, RULES["steps"][1]]}

    score = mutate_promise(monitor=monitor, now=T0 + DAY, rules=rules).score

    assert [(each.change, each.path) for each in score.unnoticed] == [
        (Change.OTHER_VALUE, "payload.rows")
    ]


def test_a_run_that_was_proven_late_is_spoilt_only_when_no_other_was_proven(
    monitor: Monitor,
) -> None:
    late = drill(monitor, "late", at=T0 + DAY)
    Run.objects.filter(pk=late.pk).update(lateness=timedelta(minutes=1))
    assert mutate_promise(monitor=monitor, now=T0 + 2 * DAY).run == late

    in_time = drill(monitor, "in time", at=T0)
    assert mutate_promise(monitor=monitor, now=T0 + 2 * DAY).run == in_time


def test_without_a_proof_there_is_nothing_to_spoil(monitor: Monitor) -> None:
    drill(monitor, "quiet", restored=False)

    with pytest.raises(NothingProven):
        mutate_promise(monitor=monitor, now=T0 + DAY)


def test_a_run_that_other_rules_do_not_call_proven_cannot_be_spoilt_by_them(
    monitor: Monitor,
) -> None:
    drill(monitor, "kept")

    with pytest.raises(NothingProven):
        mutate_promise(
            monitor=monitor,
            now=T0 + DAY,
            rules={"steps": [{"name": "never", "kind": "never"}]},
        )
