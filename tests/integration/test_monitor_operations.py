"""What people do to a monitor: the rows, the marks for the evaluator, the audit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitors import interruptions, operations
from monitors.conditions.document import SpecInvalid
from monitors.conditions.rules import Mode
from monitors.conditions.values import State
from monitors.interruptions import EndPassed, ReasonMissing
from monitors.models import Monitor, Pause, Run, Severity, Spec
from monitors.operations import (
    ModeIsFixed,
    MonitorDraft,
    MonitorNameTaken,
    NotInWorkspace,
    create_monitor,
    delete_monitor,
    draft_of,
    update_monitor,
)
from tests.factories import MembershipFactory, MonitorFactory, RouteFactory, RunFactory
from workspaces.audit import LUOTA
from workspaces.models import AuditEvent, TokenKind, Workspace
from workspaces.tokens import TokenDraft, issue_token

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DRAFT = MonitorDraft(
    name="Nightly backup",
    promise="Last night's backup can be restored.",
    mode=Mode.HEARTBEAT,
    rules={"schedules": [{"cron": "0 2 * * *", "timezone": "UTC"}], "grace": "10m"},
)

pytestmark = pytest.mark.django_db


def create(workspace: Workspace, **changes: Any) -> Monitor:
    draft = replace(DRAFT, **changes)
    return create_monitor(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=NOON)


def update(monitor: Monitor, *, at: datetime = NOON + HOUR, **changes: Any) -> Monitor:
    draft = replace(draft_of(monitor), **changes)
    return update_monitor(monitor=monitor, draft=draft, actor=LUOTA, now=at)


def actions(workspace: Workspace) -> list[str]:
    return list(
        AuditEvent.objects.filter(workspace=workspace)
        .order_by("id")
        .values_list("action", flat=True)
    )


def test_a_new_monitor_is_watched_from_now_and_due_at_once(workspace: Workspace) -> None:
    monitor = create(workspace)

    monitor.refresh_from_db()
    assert (monitor.watched_since, monitor.review_at) == (NOON, NOON)
    assert monitor.spec is not None
    assert (monitor.spec.number, monitor.spec.document) == (
        1,
        {"schedules": [{"cron": "0 2 * * *"}], "grace": "10m"},
    )
    assert actions(workspace) == ["monitor.created"]


def test_a_name_is_taken_once_in_a_workspace_only(workspace: Workspace) -> None:
    create(workspace)

    with pytest.raises(MonitorNameTaken):
        create(workspace)
    assert create(MembershipFactory().workspace).name == DRAFT.name


def test_rules_without_sense_are_refused_and_nothing_is_written(workspace: Workspace) -> None:
    with pytest.raises(SpecInvalid) as refusal:
        create(workspace, rules={})

    assert refusal.value.field == "schedules"
    assert not Monitor.objects.exists()


def test_owner_and_route_must_be_of_the_workspace(workspace: Workspace) -> None:
    for field, foreign in (("owner", MembershipFactory()), ("route", RouteFactory())):
        with pytest.raises(NotInWorkspace) as refusal:
            create(workspace, **{f"{field}_id": foreign.pk})
        assert refusal.value.field == field


def test_other_words_make_no_new_version(workspace: Workspace) -> None:
    monitor = create(workspace)
    same = {"grace": "600s", "schedules": [{"timezone": "UTC", "cron": "0 2 * * *"}]}

    changed = update(monitor, promise="It is there.", severity=Severity.CRITICAL, rules=same)

    assert changed.spec == monitor.spec
    assert AuditEvent.objects.latest("id").changes == {
        "promise": [DRAFT.promise, "It is there."],
        "severity": [2, 1],
    }


def test_nothing_changed_is_nothing_told(workspace: Workspace) -> None:
    update(create(workspace))

    assert actions(workspace) == ["monitor.created"]


def test_other_rules_make_a_new_version_and_the_old_one_stays(workspace: Workspace) -> None:
    monitor = create(workspace)

    changed = update(monitor, rules={**DRAFT.rules, "grace": "20m"})

    assert changed.spec is not None
    assert changed.spec.number == 2
    assert Spec.objects.filter(monitor=monitor).count() == 2
    changed.refresh_from_db()
    assert (changed.watched_since, changed.review_at) == (NOON, NOON + HOUR)
    assert changed.facts_version == 1


def test_a_new_schedule_does_not_judge_the_slots_of_the_past(workspace: Workspace) -> None:
    monitor = create(workspace)
    Monitor.objects.filter(pk=monitor.pk).update(judged_until=NOON)

    changed = update(monitor, rules={"schedules": [{"cron": "0 * * * *"}]})

    changed.refresh_from_db()
    assert (changed.watched_since, changed.judged_until) == (NOON + HOUR, None)


def test_freshness_runs_take_the_new_rules_for_they_live_forever(workspace: Workspace) -> None:
    monitor = create(workspace, mode=Mode.FRESHNESS, rules={"max_age": "1d"})
    run = RunFactory(monitor=monitor, key="", occurrence="")

    changed = update(monitor, rules={"max_age": "2d"})

    run.refresh_from_db()
    assert (run.spec, run.review_at, run.facts_version) == (changed.spec, NOON + HOUR, 1)


def test_the_mode_is_fixed(workspace: Workspace) -> None:
    with pytest.raises(ModeIsFixed):
        update(create(workspace), mode=Mode.RUN, rules={})


def test_a_pause_ends_by_itself_at_its_end_and_looks_at_nothing_before(
    workspace: Workspace,
) -> None:
    monitor = create(workspace)
    pause: dict[str, Any] = {"monitor": monitor, "actor": LUOTA, "now": NOON, "until": NOON + HOUR}

    assert interruptions.pause_monitor(**pause, reason="Migration")
    assert not interruptions.pause_monitor(**pause, reason="Migration, too")

    monitor.refresh_from_db()
    assert (monitor.paused_at, monitor.review_at) == (NOON, NOON + HOUR)
    assert Pause.objects.get().reason == "Migration"
    assert actions(workspace) == ["monitor.created", "monitor.paused"]


def test_resuming_watches_from_now_on_and_marks_every_unsettled_run(workspace: Workspace) -> None:
    monitor = create(workspace)
    runs = {
        state: RunFactory(monitor=monitor, state=state.value)
        for state in (State.OPEN, State.PROVEN)
    }
    interruptions.pause_monitor(monitor=monitor, reason="x", until=None, actor=LUOTA, now=NOON)

    assert interruptions.resume_monitor(monitor=monitor, actor=LUOTA, now=NOON + HOUR)
    assert not interruptions.resume_monitor(monitor=monitor, actor=LUOTA, now=NOON + HOUR)

    monitor.refresh_from_db()
    assert (monitor.paused_at, monitor.pause_reason) == (None, "")
    assert (monitor.watched_since, monitor.review_at) == (NOON + HOUR, NOON + HOUR)
    assert Pause.objects.get().ends_at == NOON + HOUR
    due = Run.objects.filter(review_at=NOON + HOUR, facts_version=1)
    assert list(due) == [runs[State.OPEN]]


def test_a_silence_has_an_end_and_can_be_lifted(workspace: Workspace) -> None:
    monitor = create(workspace)
    interruptions.silence_monitor(
        monitor=monitor, reason="Known", until=NOON + HOUR, actor=LUOTA, now=NOON
    )
    monitor.refresh_from_db()
    assert monitor.silenced_until == NOON + HOUR

    assert interruptions.unsilence_monitor(monitor=monitor, actor=LUOTA, now=NOON)
    assert not interruptions.unsilence_monitor(monitor=monitor, actor=LUOTA, now=NOON)


def test_a_waiver_marks_the_run_and_proves_nothing(workspace: Workspace) -> None:
    run = RunFactory(monitor=create(workspace))

    interruptions.waive_run(run=run, reason="Refunded", until=NOON + HOUR, actor=LUOTA, now=NOON)

    run.refresh_from_db()
    assert (run.waived_at, run.waived_until, run.waive_reason) == (NOON, NOON + HOUR, "Refunded")
    assert (run.state, run.review_at, run.facts_version) == (State.OPEN, NOON, 1)


@pytest.mark.parametrize(
    ("reason", "until", "refusal"),
    [("  ", None, ReasonMissing), ("x", NOON, EndPassed), ("x", NOON - HOUR, EndPassed)],
)
def test_an_interruption_needs_a_reason_and_an_end_ahead(
    workspace: Workspace, reason: str, until: datetime | None, refusal: type[Exception]
) -> None:
    monitor = create(workspace)
    rest: dict[str, Any] = {"reason": reason, "until": until, "actor": LUOTA, "now": NOON}

    with pytest.raises(refusal):
        interruptions.pause_monitor(monitor=monitor, **rest)
    with pytest.raises(refusal):
        interruptions.waive_run(run=RunFactory(monitor=monitor), **rest)


def test_a_monitor_takes_its_runs_and_tokens_with_it(workspace: Workspace) -> None:
    monitor, other = create(workspace), MonitorFactory(workspace=workspace)
    RunFactory(monitor=monitor)
    bound, free = (
        issue_token(
            workspace_id=workspace.pk,
            draft=TokenDraft(kind=TokenKind.INGEST, name="t", monitor_id=reach),
            actor=LUOTA,
            now=NOON,
        ).token
        for reach in (monitor.pk, None)
    )

    delete_monitor(monitor=monitor, confirmed=monitor.name, actor=LUOTA, now=NOON)

    bound.refresh_from_db()
    free.refresh_from_db()
    assert (bound.revoked_at, free.revoked_at) == (NOON, None)
    assert list(Monitor.objects.all()) == [other]
    assert actions(workspace)[-2:] == ["token.revoked", "monitor.deleted"]


def test_a_monitor_goes_with_its_runs_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "_RUNS_AT_ONCE", 2)
    monitor = MonitorFactory()
    for _ in range(5):
        RunFactory(monitor=monitor)
    delete_monitor(monitor=monitor, confirmed=monitor.name, actor=LUOTA, now=NOON)
    assert not Run.objects.filter(monitor_id=monitor.pk).exists()
    assert not Monitor.objects.filter(pk=monitor.pk).exists()
