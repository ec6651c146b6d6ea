"""Rules name a kind that nobody named: what waited for that is placed, alarms nobody, and waits on if it must."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from evidence import aliases
from evidence.findings import Found
from evidence.intake import entry_of, store
from evidence.models import Evidence, PlacingCount, UnplacedEvidence
from evidence.newly_named import SETTLE, place_newly_named
from evidence.placing import signal_of
from evidence.signals import Action, Sender
from evidence.unplaced import WAITS
from monitors.conditions.rules import Mode, Strength
from monitors.models import Monitor, MonitorKind, Run
from monitors.operations import MonitorDraft, create_monitor, draft_of, update_monitor
from tests.factories.moments import instant, judge, tell
from workspaces.audit import LUOTA
from workspaces.models import Workspace

pytestmark = pytest.mark.django_db

T0 = instant("2026-03-02 10:00")
HOUR = timedelta(hours=1)
LATER = T0 + HOUR
RULES = {
    "within": "30m",
    "key": "payload.invoice",
    "opens_on": ["invoice.finalized"],
    "steps": [{"name": "delivered", "kind": "email.delivered"}],
}


def find(
    workspace: Workspace, kind: str, *, at: Any = T0, bound_to: Any = None, **words: Any
) -> None:
    sender = Sender(
        workspace_id=workspace.pk, token_id=None, source="resend", strength=Strength.ATTESTED, bound_to=bound_to
    )  # fmt: skip
    with connection.cursor() as cursor:
        store(cursor, [entry_of(signal_of(sender, Found(kind=kind, **words)), now=at)])


def create(
    workspace: Workspace, *, mode: Mode = Mode.RUN, rules: Any = RULES, at: Any = LATER
) -> Monitor:
    draft = MonitorDraft(name="Invoices", promise="They get it.", mode=mode, rules=rules)
    return create_monitor(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=at)


def place(at: Any = LATER + SETTLE) -> int:
    return place_newly_named(now=at)


def test_what_came_before_its_monitor_joins_a_run_that_is_there(workspace: Workspace) -> None:
    find(workspace, "email.delivered", payload={"invoice": "in_1"}, event_id="e-1")
    monitor = create(workspace)
    tell(monitor, Action.START, at=LATER, external_run_id="in_1")

    assert place() == 1
    judge(at=LATER + SETTLE)

    assert not UnplacedEvidence.objects.exists()
    assert Evidence.objects.get(kind="email.delivered").received_at == T0
    assert Run.objects.get().state == "proven"
    assert place() == 0


def test_it_waits_on_for_a_run_that_opens_later(workspace: Workspace) -> None:
    find(workspace, "email.delivered", payload={"invoice": "in_1"})
    create(workspace)
    place()
    assert UnplacedEvidence.objects.get().reason == "no_run"

    find(workspace, "invoice.finalized", at=LATER + HOUR, payload={"invoice": "in_1"})

    assert not UnplacedEvidence.objects.exists()
    assert Evidence.objects.filter(run__key="in_1").count() == 2


def test_it_opens_no_run_and_counts_against_nobody(workspace: Workspace) -> None:
    """Of the time before the monitor nothing was promised: nobody is called because of it."""
    find(workspace, "invoice.finalized", payload={"invoice": "in_1"})
    create(workspace)
    place()
    judge(at=LATER + 2 * HOUR)

    assert not Run.objects.exists()
    assert not PlacingCount.objects.exists()
    find(workspace, "invoice.finalized", at=LATER + HOUR, payload={"invoice": "in_1"})
    assert Evidence.objects.filter(run=Run.objects.get()).count() == 2


def test_the_latest_content_that_came_before_counts(workspace: Workspace) -> None:
    for hour in (0, 1):
        loaded = T0 + hour * HOUR
        find(workspace, "table.loaded", at=loaded, subject="orders", fresh_as_of=loaded)
    rules = {"max_age": "6h", "comforts": [{"name": "loaded", "kind": "table.loaded"}]}
    create(workspace, mode=Mode.FRESHNESS, rules=rules, at=T0 + 2 * HOUR)

    place(T0 + 2 * HOUR + SETTLE)
    judge(at=T0 + 3 * HOUR)

    assert Evidence.objects.filter(run__key="orders").count() == 2
    assert Run.objects.get().state == "proven"


def test_a_kind_that_an_edit_names_is_tried_again(workspace: Workspace) -> None:
    monitor = create(workspace, at=T0 - HOUR)
    place(T0)
    find(workspace, "email.opened", payload={"invoice": "in_1"})
    tell(monitor, Action.START, at=T0, external_run_id="in_1")
    rules = RULES | {"comforts": [{"name": "opened", "kind": "email.opened"}]}

    draft = replace(draft_of(monitor), rules=rules)
    update_monitor(monitor=monitor, draft=draft, actor=LUOTA, now=LATER)

    marked = MonitorKind.objects.filter(is_new=True).values_list("kind", flat=True)
    assert list(marked) == ["email.opened"]
    assert place() == 1
    assert Evidence.objects.get(kind="email.opened").run.key == "in_1"


def test_what_came_while_the_rules_were_written_is_waited_for(workspace: Workspace) -> None:
    find(workspace, "email.delivered", payload={"invoice": "in_1"})
    create(workspace)

    assert place(LATER) == 0
    assert MonitorKind.objects.filter(is_new=True).count() == 2


def test_what_waited_too_long_or_may_not_speak_of_it_stays(workspace: Workspace) -> None:
    other = create(workspace, at=T0, rules={"within": "1h"})
    find(workspace, "email.delivered", payload={"invoice": "in_1"}, bound_to=other.pk)
    Monitor.objects.filter(pk=other.pk).update(name="Other")
    create(workspace)

    assert place() == 1
    assert UnplacedEvidence.objects.get().reason == "no_monitor"
    MonitorKind.objects.update(is_new=True)
    assert place(T0 + WAITS + HOUR) == 0


def test_many_are_tried_in_rounds(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "MOST_AT_ONCE", 4)
    for number in range(9):
        find(workspace, "email.delivered", ids={"message": f"m-{number}"})
    create(workspace)

    assert place() == 9
    assert set(UnplacedEvidence.objects.values_list("reason", flat=True)) == {"no_run"}


def test_nothing_named_costs_one_query(
    workspace: Workspace, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(1):
        place()
