"""The victim of the walk over every address: a workspace with one marked row of every tenant model."""

from datetime import timedelta
from typing import Any

from evidence.models import (
    Evidence,
    ExpectedKey,
    ExpectedSet,
    IdempotencyKey,
    PlacingCount,
    PlacingWatch,
    ProbeGap,
    ProbeLook,
    RunAlias,
    UnexpectedKey,
    UnplacedEvidence,
)
from evidence.receiver_models import RefusedDelivery
from incidents.models import AffectedRun, Attempt, Delivery, NoticeType, Transition
from luota.lib import clock
from luota.lib.ids import uuid7
from monitors.conditions.values import State
from monitors.models import MonitorKind, Pause, RunMove
from tests.factories import (
    ChannelFactory,
    ListKeyFactory,
    MembershipFactory,
    MonitorFactory,
    ProbeFactory,
    PullFactory,
    ReceiverFactory,
    RouteFactory,
    RouteStepFactory,
    RunFactory,
    SecretFactory,
    TokenFactory,
    WorkspaceFactory,
)
from tests.factories.incidents import IncidentFactory
from workspaces import audit
from workspaces.audit import LUOTA
from workspaces.models import Role, Workspace

MARK = "pearl-diver-4711"
"""Stands in every text of the victim's rows; it must be in no answer to a stranger."""

Victim = dict[str, Any]


def make_victim() -> Victim:
    """A workspace with one row of every tenant model, each marked."""
    workspace = WorkspaceFactory(name=MARK)
    member = MembershipFactory(workspace=workspace, role=Role.OWNER.value, user__name=MARK)
    monitor = MonitorFactory(workspace=workspace, name=MARK, promise=MARK)
    run = RunFactory(monitor=monitor, key=MARK, occurrence=MARK)
    incident = IncidentFactory(monitor=monitor, fingerprint=MARK, quote={"promise": MARK})
    channel = ChannelFactory(workspace=workspace, name=MARK, address=f"{MARK}@example.org")
    route = RouteFactory(workspace=workspace, name=MARK, is_default=True)
    RouteStepFactory(route=route, channel=channel)
    token = TokenFactory(workspace=workspace, name=MARK)
    secret = SecretFactory(workspace=workspace, name=MARK, last4=MARK[:4])
    list_key = ListKeyFactory(workspace=workspace, key_id=MARK)
    probe = ProbeFactory(monitor=monitor, name=MARK, secret=secret, target={"url": MARK})
    pull = PullFactory(monitor=monitor, name=MARK, secret=secret, target={"url": MARK})
    own = {"workspace": workspace, "probe": probe}
    ProbeLook.objects.create(**own, began_at=clock.now(), took=timedelta(0), summary=MARK)
    ProbeGap.objects.create(**own, monitor=monitor, kind=MARK, starts_at=clock.now())
    evidence = _make_history(workspace, channel, monitor=monitor, run=run, incident=incident)
    receiver = ReceiverFactory(workspace=workspace, name=MARK, settings={"kind": MARK})
    RefusedDelivery.objects.create(
        workspace=workspace, receiver=receiver, received_at=clock.now(), cause="bad_signature",
        detail=MARK, size=1, digest=b"r" * 32,
    )  # fmt: skip
    return {
        "workspace_id": workspace.pk,
        "membership_id": member.pk,
        "monitor_id": monitor.pk,
        "run_id": run.pk,
        "incident_id": incident.pk,
        "number": incident.number,
        "channel_id": channel.pk,
        "route_id": route.pk,
        "token_id": token.pk,
        "secret_id": secret.pk,
        "probe_id": probe.pk,
        "pull_id": pull.pk,
        "list_key_id": list_key.pk,
        "evidence_id": evidence.pk,
        "expected_set_id": monitor.expected_sets.get().pk,
        "receiver_id": receiver.pk,
        "piece_id": UnplacedEvidence.objects.get(workspace=workspace).pk,
        "object_id": monitor.pk,
    }


def _make_history(
    workspace: Workspace, channel: Any, *, monitor: Any, run: Any, incident: Any
) -> Any:
    now = clock.now()
    own = {"workspace": workspace}
    evidence = Evidence.objects.create(
        **own, monitor=monitor, run=run, source="api", kind="note", strength=1, summary=MARK,
        occurred_at=now, received_at=now, digest=b"d" * 32, payload={"name": MARK},
    )  # fmt: skip
    IdempotencyKey.objects.create(
        **own, source="api", digest=b"k" * 32, evidence_id=evidence.pk, created_at=now
    )
    MonitorKind.objects.create(**own, monitor=monitor, kind="victim")
    RunAlias.objects.create(**own, monitor=monitor, run=run, name="message", value=MARK)
    UnplacedEvidence.objects.create(
        **own, id=uuid7(), source="stripe", strength=1, kind="victim", reason="no_run", received_at=now,
        names=[f"{monitor.pk} key {MARK}"], signal={"summary": MARK},
    )  # fmt: skip
    PlacingCount.objects.create(**own, source=MARK, kind="victim", stretch=now, monitor=monitor)
    PlacingWatch.objects.create(**own, source=MARK)
    listed = ExpectedSet.objects.create(
        **own, monitor=monitor, window=MARK, source="pushed", settle=timedelta(), due_at=now,
        unexpected_count=1, missing_count=1, state="reconciled",
    )  # fmt: skip
    UnexpectedKey.objects.create(**own, expected_set=listed, key=MARK)
    ExpectedKey.objects.create(**own, expected_set=listed, key=MARK, is_missing=True)
    Pause.objects.create(**own, monitor=monitor, starts_at=now, ends_at=now, reason=MARK)
    RunMove.objects.create(
        **own, run=run, letter="A", old_state=State.EXPECTED, new_state=State.OPEN, at=now,
        recorded_at=now, reason=MARK,
    )  # fmt: skip
    AffectedRun.objects.create(**own, incident=incident, run=run, broken_since=now, joined_at=now)
    entry = Transition.objects.create(
        **own, incident=incident, trigger="opened", new_state="open", at=now, note=MARK
    )
    delivery = Delivery.objects.create(
        **own, incident=incident, transition=entry, channel=channel, reason=MARK,
        notice=NoticeType.OPENED.value, due_at=now, created_at=now,
    )  # fmt: skip
    Attempt.objects.create(**own, delivery=delivery, number=1, started_at=now, answer=MARK)
    audit.record(
        workspace_id=workspace.pk, actor=LUOTA, action="monitor.created", target=monitor, at=now
    )
    return evidence
