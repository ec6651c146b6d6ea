"""The snippets of the integration tab are run as they stand, against a real server."""

import html
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from evidence.models import Evidence
from monitors.models import Monitor
from tests.factories import MonitorFactory
from workspaces.models import Workspace

MODES = {
    "heartbeat": {"schedules": [{"interval": "5m"}]},
    "run": {"steps": [{"name": "sent", "kind": "sent"}]},
    "freshness": {"max_age": "1h"},
}
KINDS = {"heartbeat": ["ping"], "run": ["start", "sent", "close"], "freshness": ["ping"]}
PRELUDE = """
import datetime
class newest_row:
    updated_at = datetime.datetime.now(datetime.UTC)
def work(): pass
"""


@pytest.fixture
def base_url(transactional_db: None, live_server: Any, settings: Any) -> str:
    settings.BASE_URL = live_server.url
    return str(live_server.url)


def snippets(client: Client, workspace: Workspace, mode: str) -> tuple[Monitor, str, Any]:
    """(monitor, its token, what reads a snippet by its name)"""
    monitor = MonitorFactory(workspace=workspace, mode=mode, document=MODES[mode])
    issue = f"/w/{workspace.pk}/monitors/{monitor.pk}/integration/token"
    page = client.post(issue).content.decode()
    secret = page.split('id="secret">')[1].split("<")[0]

    def read(name: str) -> str:
        block = page.split(f'id="s-{name}"')[1].split("</pre>")[0]
        return html.unescape(block.split(">", 1)[1])

    return monitor, secret, read


@pytest.mark.parametrize("mode", sorted(MODES))
def test_the_python_snippet_works(
    base_url: str, member_client: Client, workspace: Workspace, mode: str
) -> None:
    monitor, secret, read = snippets(member_client, workspace, mode)

    program = PRELUDE + read("python")
    env = {**os.environ, "LUOTA_TOKEN": secret}
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    kinds = Evidence.objects.filter(monitor=monitor).order_by("id").values_list("kind", flat=True)
    assert list(kinds) == KINDS[mode]


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl to run the snippet with")
@pytest.mark.parametrize("mode", sorted(MODES))
def test_the_curl_snippet_works(
    base_url: str, member_client: Client, workspace: Workspace, mode: str
) -> None:
    monitor, _, read = snippets(member_client, workspace, mode)

    script = f"set -e\n{read('curl')}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    kinds = Evidence.objects.filter(monitor=monitor).order_by("id").values_list("kind", flat=True)
    assert list(kinds) == KINDS[mode]


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl to run the snippet with")
@pytest.mark.parametrize(("work", "outcome"), [("true", "success"), ("exit 3", "fail")])
def test_the_shell_snippet_tells_how_the_work_ended(
    base_url: str, member_client: Client, workspace: Workspace, work: str, outcome: str
) -> None:
    monitor, _, read = snippets(member_client, workspace, "run")

    script = read("shell").replace("./your-work", work)
    subprocess.run(["sh", "-c", script], capture_output=True, check=False)

    closed = Evidence.objects.get(monitor=monitor, kind="close")
    assert closed.outcome == outcome
    assert closed.exit_code == (0 if outcome == "success" else 3)
