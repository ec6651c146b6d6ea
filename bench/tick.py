"""The tick with a million open runs: what nothing due costs, how late deadlines are noticed, a burst of 10,000."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from bench import serving  # noqa: E402
from bench.outbox import SECRET, receive  # noqa: E402
from bench.stock import make_heartbeats, make_monitors, make_workspace  # noqa: E402
from evidence.beats import Beat  # noqa: E402
from incidents import evaluation  # noqa: E402
from incidents.models import Incident  # noqa: E402
from luota.lib import clock  # noqa: E402
from monitors.conditions.rules import Mode  # noqa: E402
from monitors.models import Monitor, Run  # noqa: E402
from workspaces.models import Channel, Route, RouteStep, Workspace  # noqa: E402
from workspaces.secrets import encrypt  # noqa: E402

OPEN_RUNS = 1_000_000
BURST = 10_000
PER_SECOND, SECONDS = 100, 30
LEAD = timedelta(seconds=8)
"""From the making of monitors to their first deadline: the product is at rest by then."""
PATIENCE_SECONDS = 180


def main() -> None:
    _, workspace = make_workspace()
    make_open_runs(workspace)
    idle_tick()
    with product():
        steady(workspace)
        burst(workspace)


def make_open_runs(workspace: Workspace) -> None:
    """Open runs of 1,000 monitors whose reviews lie hours ahead, by one statement."""
    monitors = make_monitors(workspace, 1_000, Mode.RUN, {"within": "1d"})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO monitors_run (id, workspace_id, monitor_id, spec_id, key, occurrence,"
            " environment, host, deploy_sha, tags, opened_at, reported, attempt, state, state_since,"
            " reason, standing, missing, waive_reason, facts_version, review_at, created_at)"
            " SELECT gen_random_uuid(), %s, (%s::uuid[])[1 + n %% 1000], (%s::uuid[])[1 + n %% 1000],"
            " 'run-' || n, 'run-' || n, 'production', '', '', '{}', now(), '', 1, 'open', now(), '',"
            " '{}', '{}', '', 1, now() + interval '6 hours' + n * interval '50 milliseconds', now()"
            " FROM generate_series(1, %s) n",
            [workspace.pk, [m.pk for m in monitors], [m.spec_id for m in monitors], OPEN_RUNS],
        )
        cursor.execute("VACUUM ANALYZE monitors_run")
        cursor.execute("ANALYZE monitors_monitor")
    print(f"{Run.objects.count()} open runs\n")


def idle_tick() -> None:
    """Time of the statements of a tick with nothing due, as the caller waits for them."""
    totals = []
    for _ in range(30):
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            Beat().write(cursor, now=clock.now() + timedelta(seconds=1), oldest_waiting_at=None)
            cursor.execute("COMMIT")
        watch = _StatementWatch()
        with connection.execute_wrapper(watch):
            report = evaluation.tick(clock.now)
        assert report.monitors + report.runs == 0
        totals.append(watch.seconds * 1000)
    print(
        f"a tick with nothing due, {watch.count} statements: median {statistics.median(totals):.2f} ms,"
        f" least {min(totals):.2f} ms of waiting for the database (target: under 5)"
    )
    for title, query in (("runs", Run.objects), ("monitors", Monitor.objects)):
        plan = query.due(now=clock.now()).order_by("review_at")[:500].explain(analyze=True)
        print(f"  due {title}: {plan.splitlines()[-1].strip()}")


class _StatementWatch:
    def __init__(self) -> None:
        self.seconds, self.count = 0.0, 0

    def __call__(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(*arguments)
        finally:
            self.seconds, self.count = self.seconds + time.perf_counter() - began, self.count + 1


@contextmanager
def product() -> Iterator[None]:
    """Web, worker, notifier and beat as `make run` starts them."""
    commands = serving.procfile()
    with ExitStack() as stack:
        stack.enter_context(serving.web())
        for name in ("worker", "notifier", "beat"):
            stack.enter_context(serving.running(commands[name]))
        time.sleep(10)
        yield


def make_due(workspace: Workspace, deadlines: list[datetime], **columns: Any) -> None:
    """Heartbeats with these deadlines: each was heard of an interval and its grace before."""
    monitors = make_heartbeats(workspace, len(deadlines), grace="1m", **columns)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE monitors_monitor m SET review_at = w.due_at, watched_since = w.heard_at,"
            " first_signal_at = w.heard_at, latest_signal_at = w.heard_at"
            " FROM unnest(%s::uuid[], %s::timestamptz[], %s::timestamptz[]) AS w(id, due_at, heard_at)"
            " WHERE m.id = w.id",
            [
                [m.pk for m in monitors],
                deadlines,
                [due_at - timedelta(minutes=61) for due_at in deadlines],
            ],
        )


def steady(workspace: Workspace) -> None:
    """From the deadline to the committed file, when deadlines pass one by one."""
    count = PER_SECOND * SECONDS
    first = clock.now() + LEAD + timedelta(seconds=count / 1000)
    make_due(workspace, [first + timedelta(seconds=i / PER_SECOND) for i in range(count)])
    delays, last = [], 0
    until = first + timedelta(seconds=SECONDS + 30)
    while len(delays) < count and clock.now() < until:
        fresh = list(
            Incident.objects.filter(workspace=workspace, number__gt=last).values_list(
                "number", "opened_at"
            )
        )
        now = clock.now()
        delays += [(now - opened_at).total_seconds() for _, opened_at in fresh]
        last = max([last, *(number for number, _ in fresh)])
        time.sleep(0.02)
    ordered = sorted(delays)
    assert len(ordered) == count, f"{len(ordered)} of {count} files"
    print(
        f"\ndeadline to committed file at {PER_SECOND} due a second, {count} files:"
        f" median {ordered[count // 2]:.2f} s, p99 {ordered[count * 99 // 100]:.2f} s,"
        f" most {ordered[-1]:.2f} s (target: p99 under 1.5)"
    )


def burst(workspace: Workspace) -> None:
    """10,000 monitors on one route whose deadlines pass at once: filed, first told, all told."""
    shared: dict[str, Any] = {
        name: multiprocessing.Value("d", 0.0, lock=False) for name in ("first", "last")
    }
    shared |= {name: multiprocessing.Value("i", 0, lock=False) for name in ("taken", "port")}
    receiver = multiprocessing.Process(target=receive, args=(shared,), daemon=True)
    receiver.start()
    while not shared["port"].value:
        time.sleep(0.01)
    route = make_route(workspace, shared["port"].value)
    due_at = clock.now() + timedelta(seconds=40)
    make_due(workspace, [due_at] * BURST, route=route)
    assert clock.now() < due_at - timedelta(seconds=2), "making the monitors took too long"
    _wait_until(due_at)
    deadline = due_at.timestamp()
    filed_at = _wait_for(
        lambda: Incident.objects.filter(workspace=workspace, route=route).count() == BURST
    )
    _wait_for(lambda: shared["taken"].value >= BURST)
    print(f"\n{BURST} deadlines at once, {shared['taken'].value} notices taken\n")
    print("| | seconds after the deadline | target |\n| - | - | - |")
    print(f"| all judged and filed | {filed_at - deadline:.1f} | 5 |")
    print(f"| first notice taken | {shared['first'].value - deadline:.1f} | 2 |")
    print(f"| last notice taken | {shared['last'].value - deadline:.1f} | 60 |")
    receiver.terminate()


def make_route(workspace: Workspace, port: int) -> Route:
    route = Route.objects.create(workspace=workspace, name="bench")
    hook = Channel.objects.create(
        workspace=workspace,
        kind="webhook",
        name="hook",
        address=f"http://127.0.0.1:{port}/",
        secret=encrypt(SECRET),
    )
    RouteStep.objects.create(
        workspace=workspace, route=route, channel=hook, position=1, delay=timedelta(0)
    )
    return route


def _wait_until(instant: datetime) -> None:
    time.sleep(max((instant - clock.now()).total_seconds(), 0))


def _wait_for(is_so: Callable[[], bool]) -> float:
    """The time when it became so, or when patience ended."""
    began = time.time()
    while not is_so() and time.time() - began < PATIENCE_SECONDS:
        time.sleep(0.05)
    return time.time()


if __name__ == "__main__":
    main()
