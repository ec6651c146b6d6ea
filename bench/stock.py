"""What the benches stand on: a workspace with a key, monitors by the thousand, made by bulk statements."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from luota.lib import clock
from monitors.conditions.document import digest
from monitors.conditions.rules import Mode
from monitors.models import Monitor, Spec
from workspaces.audit import LUOTA
from workspaces.models import TokenKind, Workspace
from workspaces.tokens import TokenDraft, issue_token


def make_workspace() -> tuple[str, Workspace]:
    """(ingest key for all of it, the workspace)."""
    workspace = Workspace.objects.create(name="bench")
    draft = TokenDraft(kind=TokenKind.INGEST, name="bench")
    issued = issue_token(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=clock.now())
    return issued.secret, workspace


def make_heartbeats(
    workspace: Workspace, count: int, *, grace: str = "5m", **columns: Any
) -> Sequence[Monitor]:
    """Heartbeat monitors, each expected every hour."""
    document = {"schedules": [{"interval": "1h"}], "grace": grace}
    return make_monitors(workspace, count, Mode.HEARTBEAT, document, **columns)


def make_monitors(
    workspace: Workspace, count: int, mode: Mode, document: dict[str, Any], **columns: Any
) -> Sequence[Monitor]:
    """Monitors with version 1 of their spec."""
    now = clock.now()
    values = {"watched_since": now, "review_at": now + timedelta(hours=1), **columns}
    monitors = [
        Monitor(
            workspace=workspace,
            name=f"{mode} {now:%H%M%S%f} {i}",
            promise="It happens.",
            mode=mode.value,
            **values,
        )
        for i in range(count)
    ]
    Monitor.objects.bulk_create(monitors, batch_size=2000)
    sign = digest(document)
    specs = [
        Spec(workspace=workspace, monitor=monitor, number=1, document=document, digest=sign)
        for monitor in monitors
    ]
    Spec.objects.bulk_create(specs, batch_size=2000)
    for monitor, spec in zip(monitors, specs, strict=True):
        monitor.spec = spec
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE monitors_monitor m SET spec_id = s.id FROM monitors_spec s"
            " WHERE s.monitor_id = m.id AND m.spec_id IS NULL"
        )
    return monitors
