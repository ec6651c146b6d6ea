"""`python -m examples.restore_drill`: perform one drill and report it to Luota; exit code 0 when it was proven.

Everything may be given by hand; `--demo FILE` takes it from the demo.json that `make run` writes.
"""

import argparse
import json
import secrets
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from examples.command import commit
from examples.reporting import NotTaken, Reporter
from examples.restore_drill.breaks import BREAKS, SILENT, Sound
from examples.restore_drill.drill import Drill
from examples.restore_drill.postgres import Database, ProgramFailed

NEWEST = "evidence_evidence.received_at"


def main() -> int:
    given = _parse(sys.argv[1:])
    if given.broken == SILENT:
        print("The drill never starts: nothing is sent.")
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)  # so that the throw-away database is dropped
    drill = _drill(given)
    try:
        is_proven = drill.perform()
    except (
        NotTaken,
        ProgramFailed,
        OSError,
    ) as error:  # OSError: a program is missing, a disk is full
        print(f"restore drill: {error}\n{getattr(error, 'output', '')}".strip(), file=sys.stderr)
        return 2
    print(
        f"{drill.name}: {'the restore was checked' if is_proven else 'the restore was NOT proven'}"
    )
    return 0 if is_proven or drill.sabotage.is_quiet else 1  # a careless script looks green, too


def _drill(given: argparse.Namespace) -> Drill:
    database = Database(given.database_url, pg_bin=given.pg_bin, newest=given.newest)
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    reporter = Reporter(
        base_url=given.base_url.rstrip("/"),
        token=given.token,
        monitor_id=given.monitor,
        run_name=f"drill-{started}-{secrets.token_hex(2)}",
        subject=database.name,
        deploy_sha=given.deploy_sha,
    )
    sabotage = BREAKS.get(given.broken, Sound())
    return Drill(database=database, reporter=reporter, work_dir=given.work_dir, sabotage=sabotage)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m examples.restore_drill", description=__doc__)
    parser.add_argument(
        "--demo", type=Path, help="the demo.json of `make run`, for all that follows"
    )
    known, _ = parser.parse_known_args([word for word in arguments if word not in {"-h", "--help"}])
    demo = _read_demo(known.demo) if known.demo else {}
    for name, words in (
        ("--base-url", "where Luota is"),
        ("--token", "an ingest token"),
        ("--monitor", "the id of the drill's monitor"),
        ("--database-url", "postgres://user:password@host:5432/name"),
    ):
        value = demo.get(name)
        parser.add_argument(name, default=value, required=value is None, help=words)
    work_dir = demo.get("--work-dir")
    parser.add_argument(
        "--work-dir", type=Path, default=work_dir, required=work_dir is None,
        help="for archives, the key and what is worked on",
    )  # fmt: skip
    parser.add_argument(
        "--pg-bin", type=Path, default=demo.get("--pg-bin"),
        help="where psql, pg_dump and pg_restore are, if not on PATH",
    )  # fmt: skip
    parser.add_argument(
        "--newest", default=NEWEST, help="table.column that says how recent data are"
    )
    parser.add_argument("--deploy-sha", default=commit(), help="which version of the job this is")
    parser.add_argument(
        "--break", dest="broken", choices=[*BREAKS, SILENT], help="make it fail, on purpose"
    )
    return parser.parse_args(arguments)


def _read_demo(path: Path) -> dict[str, Any]:
    try:
        demo = json.loads(path.read_text())
    except FileNotFoundError:
        sys.exit(f"restore drill: there is no {path}: start `make run` first.")
    drill = demo["drill"]
    return {
        "--base-url": demo["baseUrl"],
        "--token": drill["token"],
        "--monitor": drill["monitorId"],
        "--database-url": drill["databaseUrl"],
        "--work-dir": Path(drill["workDir"]),
        "--pg-bin": Path(drill["pgBin"]) if drill["pgBin"] else None,
    }


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
