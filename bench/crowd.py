"""50,000 runs that miss their deadline at once, filed in one tick: into one file, and into 1,000 files.

The evaluator alone, as a worker process runs it, while a thread beats as a web process does. Each run has
begun and shows its green light; what its step's condition reads never came.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import django

django.setup()

from django.db import connection  # noqa: E402

from bench import machine  # noqa: E402
from bench.stock import make_monitors, make_workspace  # noqa: E402
from evidence.beats import PERIOD_SECONDS, Beat  # noqa: E402
from incidents import evaluation  # noqa: E402
from incidents.models import AffectedRun, Incident  # noqa: E402
from luota.lib import clock  # noqa: E402
from monitors.conditions.rules import Mode  # noqa: E402
from monitors.models import Monitor  # noqa: E402
from workspaces.models import Workspace  # noqa: E402

RUNS = 50_000
DOCUMENT = {
    "within": "1h",
    "comforts": [{"name": "answer", "claim": "The provider answered 200", "kind": "answer"}],
    "steps": [
        {
            "name": "plan",
            "claim": "The customer has the plan",
            "kind": "entitlement",
            "check": "entitlement.payload.plan == expected.plan",
        }
    ],
}


def main() -> None:
    print(f"{RUNS} runs miss their deadline at once: one tick, the evaluator alone\n")
    print(
        "| files | seconds (target: 10), ticks (a tick ends after 20) | CPU seconds: evaluator, engine |\n| - | - | - |"
    )
    for files in (1, 1_000):
        _, workspace = make_workspace()
        make_late_runs(workspace, make_monitors(workspace, files, Mode.RUN, DOCUMENT))
        file_them(workspace, files)


def make_late_runs(workspace: Workspace, monitors: Sequence[Monitor]) -> None:
    """Begun 61 minutes ago, with two pieces of evidence each; the monitors have their runs by turns."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE late AS SELECT n, uuidv7(interval '-61 minutes') AS id,"
            " now() - interval '61 minutes' AS at, (%s::uuid[])[1 + n %% %s] AS monitor_id,"
            " (%s::uuid[])[1 + n %% %s] AS spec_id FROM generate_series(1, %s) n",
            [
                [monitor.pk for monitor in monitors],
                len(monitors),
                [monitor.spec_id for monitor in monitors],
                len(monitors),
                RUNS,
            ],
        )
        cursor.execute(
            "INSERT INTO monitors_run (id, workspace_id, monitor_id, spec_id, key, occurrence,"
            " environment, host, deploy_sha, tags, opened_at, reported, attempt, state, state_since,"
            " reason, standing, missing, waive_reason, facts_version, judged_at, review_at, created_at)"
            " SELECT id, %s, monitor_id, spec_id, 'run-' || n, 'run-' || n, 'production', '', '', '{}',"
            " at, '', 1, 'open', at, '', '{}', '{}', '', 1, at, at + interval '1 hour', at FROM late",
            [workspace.pk],
        )
        cursor.execute(
            "INSERT INTO evidence_evidence (id, workspace_id, monitor_id, run_id, source, kind,"
            " outcome, strength, occurred_at, received_at, subject, summary, ids, payload, output,"
            " environment, host, deploy_sha, is_contrary, digest, redactions, tags)"
            " SELECT uuidv7(interval '-60 minutes'), %s, monitor_id, id, 'api', kind, '', strength, at,"
            " at, '', '', '{}', '{\"plan\": \"pro\", \"status\": 200}', '', '', '', '', false, '', '[]', '{}'"
            " FROM late, (VALUES ('start', 1), ('answer', 2)) AS piece(kind, strength)",
            [workspace.pk],
        )
        cursor.execute("DROP TABLE late")
        cursor.execute("VACUUM ANALYZE monitors_run")
        cursor.execute("VACUUM ANALYZE evidence_evidence")


def file_them(workspace: Workspace, files: int) -> None:
    engine = machine.engine_roots(Path(os.environ["LUOTA_HOME"]))["database"]
    with beating():
        engine_spent = machine.cpu_seconds([engine])
        began, spent = time.perf_counter(), time.thread_time()
        ticks = 0
        while AffectedRun.objects.filter(workspace=workspace).count() < RUNS:
            evaluation.tick(clock.now)
            ticks += 1
        seconds, spent = time.perf_counter() - began, time.thread_time() - spent
        engine_spent = machine.cpu_seconds([engine]) - engine_spent
    assert Incident.objects.filter(workspace=workspace).count() == files
    print(f"| {files} | {seconds:.1f} in {ticks} | {spent:.1f}, {engine_spent:.1f} |", flush=True)


@contextmanager
def beating() -> Iterator[None]:
    """Somebody can store: without, the tick would wait for the watermark."""
    is_over = threading.Event()

    def beat() -> None:
        mark = Beat()
        while True:
            with connection.cursor() as cursor:
                cursor.execute("BEGIN")
                mark.write(cursor, now=clock.now(), oldest_waiting_at=None)
                cursor.execute("COMMIT")
            if is_over.wait(PERIOD_SECONDS):
                connection.close()
                return

    thread = threading.Thread(target=beat)
    thread.start()
    time.sleep(2 * PERIOD_SECONDS)
    try:
        yield
    finally:
        is_over.set()
        thread.join()


if __name__ == "__main__":
    main()
