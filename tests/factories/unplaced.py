"""Pieces that wait for their run, as the door leaves them."""

from evidence.models import UnplacedEvidence
from luota.lib import clock
from luota.lib.ids import uuid7
from workspaces.models import Workspace


def waiting(
    workspace: Workspace, kind: str = "email.delivered", **fields: object
) -> UnplacedEvidence:
    given = {
        "received_at": clock.now(),
        "source": "resend",
        "strength": 4,
        "names": [],
        "reason": "no_run",
        "signal": {},
    }
    return UnplacedEvidence.objects.create(
        id=uuid7(), workspace=workspace, kind=kind, **given | fields
    )
