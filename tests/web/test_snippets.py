"""The snippets of the integration tab are run as they stand, against a real server."""

import html
import os
import re
import shutil
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from evidence.models import Evidence
from luota.lib import clock
from monitors.models import Monitor, Run
from tests.factories import MonitorFactory
from tests.factories.moments import judge
from workspaces.models import Workspace

MODES = {
    "heartbeat": {"schedules": [{"interval": "5m"}]},
    "run": {"steps": [{"name": "sent", "kind": "sent"}, {"name": "seen", "kind": "seen"}]},
    "freshness": {"max_age": "1h"},
}
needs_curl = pytest.mark.skipif(
    not shutil.which("curl"), reason="there is no curl to run the snippet with"
)
KINDS = {"heartbeat": ["ping"], "run": ["start", "sent", "seen", "close"], "freshness": ["ping"]}
PRELUDE = """
import datetime
import celery
celery.Celery(set_as_current=True)
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


def prove_twice(monitor: Monitor, command: list[str], env: dict[str, str]) -> None:
    """Run it as people do, day after day: each time leaves a run, or a beat, that is proven."""
    for _ in range(2):
        env = {**os.environ, **env}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    kinds = Evidence.objects.filter(monitor=monitor).order_by("id").values_list("kind", flat=True)
    assert list(kinds) == KINDS[monitor.mode] * 2
    judge(at=clock.now())
    states = Run.objects.filter(monitor=monitor).values_list("state", flat=True)
    assert set(states) <= {"proven"}
    assert len(states) == {"run": 2, "freshness": 1, "heartbeat": 0}[monitor.mode]


@pytest.mark.parametrize("mode", sorted(MODES))
def test_the_python_snippet_proves_each_run(
    base_url: str, member_client: Client, workspace: Workspace, mode: str
) -> None:
    monitor, secret, read = snippets(member_client, workspace, mode)

    program = PRELUDE + read("python")
    prove_twice(monitor, [sys.executable, "-c", program], {"LUOTA_TOKEN": secret})


def test_the_celery_snippet_proves_each_run(
    base_url: str, member_client: Client, workspace: Workspace
) -> None:
    monitor, secret, read = snippets(member_client, workspace, "run")

    program = f"{PRELUDE}{read('celery')}\nsend_reports.apply()"
    prove_twice(monitor, [sys.executable, "-c", program], {"LUOTA_TOKEN": secret})


def test_the_stripe_snippet_proves_a_run_for_each_invoice(
    base_url: str, member_client: Client, workspace: Workspace
) -> None:
    monitor, secret, read = snippets(member_client, workspace, "run")

    event = """
import time, uuid
about = {"object": "invoice", "id": f"in_{uuid.uuid4().hex}"}
event = {"id": f"evt_{uuid.uuid4().hex}", "created": int(time.time()), "data": {"object": about}}
forward({"type": "invoice.paid", **event})
forward({"type": "invoice.created", **event})
"""
    program = read("stripe") + event
    prove_twice(monitor, [sys.executable, "-c", program], {"LUOTA_TOKEN": secret})

    sent = Evidence.objects.filter(monitor=monitor, kind="seen").latest("id")
    assert sent.ids["stripe_event"].startswith("evt_")
    assert sent.ids["invoice"].startswith("in_")


@needs_curl
def test_the_github_snippet_proves_each_run(
    base_url: str, member_client: Client, workspace: Workspace
) -> None:
    monitor, secret, read = snippets(member_client, workspace, "run")

    steps = re.findall(r"run: (?:\|\n((?: {6}.*\n?)+)|(.*))", read("github"))
    script = "set -e\nRUN=$(cat /proc/sys/kernel/random/uuid)\n"
    script += "".join(block or line for block, line in steps).replace("./your-work", "true\n")
    script = script.replace("${{ secrets.LUOTA_TOKEN }}", secret)
    script = re.sub(r"\$\{\{ job.status.*?\}\}", "success", script)
    prove_twice(monitor, ["sh", "-c", script], {"GITHUB_SHA": "9f2c51e"})


@needs_curl
@pytest.mark.parametrize("mode", sorted(MODES))
def test_the_curl_snippet_proves_each_run(
    base_url: str, member_client: Client, workspace: Workspace, mode: str
) -> None:
    monitor, _, read = snippets(member_client, workspace, mode)

    prove_twice(monitor, ["sh", "-c", f"set -e\n{read('curl')}"], {})


@needs_curl
def test_the_shell_snippet_proves_each_run(
    base_url: str, member_client: Client, workspace: Workspace
) -> None:
    monitor, _, read = snippets(member_client, workspace, "run")

    prove_twice(monitor, ["sh", "-c", read("shell").replace("./your-work", "true")], {})


@needs_curl
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


def test_a_step_that_wants_more_than_a_claim_is_named(
    member_client: Client, workspace: Workspace
) -> None:
    step = {"name": "sent", "claim": "It is sent", "kind": "sent", "min_strength": "receipt"}
    monitor = MonitorFactory(workspace=workspace, mode="run", document={"steps": [step]})

    page = member_client.get(f"/w/{workspace.pk}/monitors/{monitor.pk}/integration")

    assert "“It is sent” wants evidence of strength receipt or more" in page.content.decode()
