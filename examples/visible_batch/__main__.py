"""`python -m examples.visible_batch`: perform one batch and report it to Luota.

Everything may be given by hand; `--demo FILE` takes it from the demo.json that `make run` writes.
"""

import secrets
import sqlite3
import sys
import time
from pathlib import Path

import requests

from examples.command import Example, parser_of
from examples.reporting import NotTaken, Reporter
from examples.serving import served
from examples.visible_batch.batch import Batch
from examples.visible_batch.breaks import BREAKS, Sound
from examples.visible_batch.page import Page
from examples.visible_batch.results import Results

EXAMPLE = Example(
    program="visible_batch",
    section="visibleBatch",
    document=Path(__file__).resolve().parent / "monitor.json",
    breaks=tuple(BREAKS),
)


def main() -> int:
    parser, _ = parser_of(EXAMPLE, __doc__, sys.argv[1:])
    parser.add_argument("--items", type=int, default=1000, help="how many the batch has, from 3 on")
    given = parser.parse_args()
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    reporter = Reporter(
        base_url=given.base_url.rstrip("/"),
        token=given.token,
        monitor_id=given.monitor,
        run_name=f"batch-{started}-{secrets.token_hex(2)}",
        subject="customer-messages",
        deploy_sha=given.deploy_sha,
    )
    try:
        page = Page(Results(Path(given.work_dir) / "results.sqlite3"))
        with served(page.answer) as url:
            batch = Batch(
                reporter=reporter,
                page=page,
                url=f"{url}/results",
                size=given.items,
                sabotage=BREAKS.get(given.broken, Sound()),
            )
            is_visible = batch.perform()
    except (NotTaken, OSError, sqlite3.Error, requests.RequestException) as error:
        print(f"visible batch: {error}", file=sys.stderr)
        return 2
    print(f"{batch.name}: {'all results are visible' if is_visible else 'NOT all are visible'}")
    return 0 if is_visible or given.broken else 1  # the careless worker looks green


if __name__ == "__main__":
    sys.exit(main())
