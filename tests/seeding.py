"""`python -m tests.seeding`: migrates the database of a product under test and tells a workspace's keys as JSON.

A process of its own (tests.processes starts it): pytest itself knows another database.
"""

import json
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402  # after setup

from luota.lib import clock  # noqa: E402
from workspaces.audit import LUOTA  # noqa: E402
from workspaces.models import TokenKind, User, Workspace  # noqa: E402
from workspaces.operations import create_workspace  # noqa: E402
from workspaces.tokens import TokenDraft, issue_token  # noqa: E402


def main() -> None:
    call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
    owner = User.objects.create_user("owner@example.org", "a password of hers")
    workspace = create_workspace(name="Tested", owner=owner, actor=LUOTA, now=clock.now())
    told = {
        "workspace_id": str(workspace.pk),
        "management_token": _issue(workspace, TokenKind.WRITE),
        "ingest_token": _issue(workspace, TokenKind.INGEST),
    }
    sys.stdout.write(json.dumps(told))


def _issue(workspace: Workspace, kind: TokenKind) -> str:
    draft = TokenDraft(kind=kind, name=f"{kind} key")
    return issue_token(workspace_id=workspace.pk, draft=draft, actor=LUOTA, now=clock.now()).secret


if __name__ == "__main__":
    main()
