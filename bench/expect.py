"""A list of a million keys against a million runs, and a crowd that is missing; beside the bare statements."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from bench.stock import make_monitors, make_workspace  # noqa: E402
from evidence import expected, pull_ledger, pulling  # noqa: E402
from evidence.list_keys import hasher, make_list_key  # noqa: E402
from evidence.models import ExpectedSet  # noqa: E402
from evidence.pull_operations import PullDraft, create_pull  # noqa: E402
from evidence.pulls.contract import PullWay  # noqa: E402
from incidents import reconciling  # noqa: E402
from incidents.models import Incident  # noqa: E402
from incidents.run_review import review_runs  # noqa: E402
from luota.lib import clock  # noqa: E402
from monitors.conditions.rules import Mode  # noqa: E402
from monitors.models import Monitor, Run  # noqa: E402
from workspaces.audit import LUOTA  # noqa: E402
from workspaces.models import Workspace  # noqa: E402

KEYS = 1_000_000
ABSENT, STRANGE = 3, 2
CROWD = 20_000
"""Missing at once, each with a run of its own."""
HOUR = timedelta(hours=1)
SECRET = "a secret that only the bench has"  # noqa: S105 - of nobody


def main() -> None:
    _, workspace = make_workspace()
    kept, crowded = make_monitors(workspace, 2, Mode.RUN, {"within": "1d"})
    now = clock.now()
    make_runs(kept, now)
    bare_copy, bare_joins = copy_bare(), join_bare()
    taken = timed(lambda: take(workspace, kept, list_of(KEYS), now))
    joined = timed(lambda: reconciling.reconcile_lists(watermark=now + HOUR, now=now + HOUR))
    check(ExpectedSet.objects.get())
    print(f"{KEYS} keys against {KEYS - ABSENT + STRANGE} runs\n")
    print("| | seconds | bare | ratio |\n| - | - | - | - |")
    print(
        f"| list taken, against COPY | {taken:.1f} | {bare_copy:.1f} | {taken / bare_copy:.1f}x |"
    )
    print(
        f"| both anti-joins (target: 5) | {joined:.1f} | {bare_joins:.1f} | {joined / bare_joins:.1f}x |"
    )
    under_hmac(workspace, kept, now, joined)
    by_pull(kept, now, taken)
    fill_in(workspace, crowded, now + HOUR)


def check(found: ExpectedSet) -> None:
    assert (found.missing_count, found.unexpected_count) == (ABSENT, STRANGE), found


def under_hmac(workspace: Workspace, monitor: Monitor, now: datetime, plain: float) -> None:
    """The same list with its keys as HMACs: the runs are hashed when it is reconciled."""
    reconciling.reconcile_lists(watermark=now + HOUR, now=now + HOUR)  # opens the missing runs
    make_list_key(workspace_id=workspace.pk, key_id="bench", secret=SECRET, actor=LUOTA, now=now)
    hashed = hasher(SECRET.encode())
    names: list[str] = []
    bare = timed(lambda: names.extend(map(hashed, list_of(KEYS))))
    taken = timed(lambda: take(workspace, monitor, iter(names), now, window="hmac", key_id="bench"))
    joined = timed(lambda: reconciling.reconcile_lists(watermark=now + HOUR, now=now + HOUR))
    check(ExpectedSet.objects.get(window="hmac"))
    print(f"| list of HMACs taken | {taken:.1f} | | |")
    print(
        f"| both anti-joins under HMAC, against plain keys | {joined:.1f} | {plain:.1f} | {joined / plain:.1f}x |"
    )
    print(f"| the same, against hashing alone | {joined:.1f} | {bare:.1f} | {joined / bare:.1f}x |")


def by_pull(monitor: Monitor, now: datetime, pushed: float) -> None:
    """The same keys as Luota reads them from a database (this one), checks, spools and takes them."""
    place = connection.get_connection_params()
    settings.PROBE_SOCKET_FOLDERS = [place["host"]]
    target = {
        "dsn": f"postgresql://{place['user']}@/{place['dbname']}?host={place['host']}",
        "query": f"SELECT 'in_' || n FROM generate_series(1, {KEYS}) n",  # noqa: S608 - ours
    }
    draft = PullDraft(name="bench", way=PullWay.SQL, target=target, reach_back=HOUR)
    pull = create_pull(monitor=monitor, draft=draft, actor=LUOTA, now=now)
    pull_ledger.ask(pull, now=now)
    pulled = timed(lambda: pulling.pull_due(now=now))
    pull.refresh_from_db()
    assert pull.taken_count == KEYS, pull.fault
    print(
        f"| list pulled by SQL, against the pushed one | {pulled:.1f} | {pushed:.1f} | {pulled / pushed:.1f}x |"
    )


def list_of(count: int) -> Iterator[str]:
    return (f"in_{number}" for number in range(1, count + 1))


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def take(
    workspace: Workspace, monitor: Monitor, keys: Iterator[str], now: datetime, **words: str
) -> None:
    part = expected.Part(
        **({"window": "bench"} | words),
        keys=keys,
        opens_from=now - HOUR,
        opens_until=now + timedelta(seconds=1),
        settle=timedelta(0),
    )
    expected.accept(workspace_id=workspace.pk, monitor_id=monitor.pk, part=part, now=now)


def make_runs(monitor: Monitor, now: datetime) -> None:
    """All but the first ABSENT of the list, and STRANGE ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO monitors_run (id, workspace_id, monitor_id, spec_id, key, occurrence,"
            " environment, host, deploy_sha, tags, opened_at, reported, attempt, state, state_since,"
            " reason, standing, missing, waive_reason, facts_version, created_at)"
            " SELECT (lpad(to_hex((extract(epoch FROM %(now)s::timestamptz) * 1000)::bigint), 12, '0')"
            "   || '70008000' || lpad(to_hex(n), 12, '0'))::uuid, %(workspace)s, %(monitor)s, %(spec)s,"
            " 'in_' || n, 'in_' || n, 'production', '', '', '{}', %(now)s, '', 1, 'open', %(now)s, '',"
            " '{}', '{}', '', 1, %(now)s FROM generate_series(%(first)s, %(last)s) n",
            {
                "now": now,
                "workspace": monitor.workspace_id,
                "monitor": monitor.pk,
                "spec": monitor.spec_id,
                "first": ABSENT + 1,
                "last": KEYS + STRANGE,
            },
        )
        cursor.execute("VACUUM ANALYZE monitors_run")


def copy_bare() -> float:
    """The keys alone, into a table with the same primary key."""
    lines = "".join(f"0189d2a4-0000-7000-8000-000000000000\t{key}\n" for key in list_of(KEYS))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare (list uuid, key varchar(200), PRIMARY KEY (list, key))")

        def copy() -> None:
            with cursor.copy("COPY bare FROM STDIN") as into:
                into.write(lines)

        return timed(copy)


def join_bare() -> float:
    """Both anti-joins without period, window or list."""
    join = "SELECT count(*) FROM {} WHERE NOT EXISTS (SELECT FROM {} WHERE bare.key = r.key)"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bare")
        cursor.execute("SET work_mem = '64MB'")
        seconds = timed(lambda: cursor.execute(join.format("bare", "monitors_run r")))
        seconds += timed(lambda: cursor.execute(join.format("monitors_run r", "bare")))
        cursor.execute("RESET work_mem")
        cursor.execute("DROP TABLE bare")
    return seconds


def fill_in(workspace: Workspace, monitor: Monitor, now: datetime) -> None:
    """A job that did not run at all: each key gets its run, all of them one file."""
    take(workspace, monitor, list_of(CROWD), now)
    ExpectedSet.objects.exclude(monitor=monitor).delete()
    later = now + HOUR
    began, rounds = time.perf_counter(), 0
    while reconciling.reconcile_lists(watermark=later, now=later) + review_runs(
        watermark=later, now=later
    ):
        rounds += 1
    seconds = time.perf_counter() - began
    assert Run.objects.filter(monitor=monitor, state="overdue").count() == CROWD
    file = Incident.objects.get(monitor=monitor)
    assert file.affected_count == CROWD
    print(
        f"\n{CROWD} missing at once: {seconds:.1f} s in {rounds} rounds,"
        f" {CROWD / seconds:.0f} runs opened, judged and filed a second, one file"
    )


if __name__ == "__main__":
    main()
