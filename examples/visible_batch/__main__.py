"""`python -m examples.visible_batch`: perform one batch and report it to Luota.

Everything may be given by hand; `--demo FILE` takes it from the demo.json that `make run` writes.
"""

import argparse
import secrets
import sqlite3
import sys
import time
from pathlib import Path

from examples.command import Example, parser_of
from examples.looking import Onlooker
from examples.reporting import NotTaken, Reporter
from examples.visible_batch.batch import Batch
from examples.visible_batch.breaks import BREAKS, Sound
from examples.visible_batch.results import Results
from examples.visible_batch.site import serve, site

EXAMPLE = Example(
    program="visible_batch",
    monitor="Visible batch",
    breaks=tuple(BREAKS),
)


def main() -> int:
    given = _parse(sys.argv[1:])
    work_dir = Path(given.work_dir)
    try:
        results = Results(work_dir / "results.sqlite3")
        if given.serve:
            serve(work_dir, results)
            return 0
        with site(work_dir, results) as url:
            batch = Batch(
                reporter=_reporter(given),
                onlooker=_onlooker(given),
                results=results,
                url=f"{url}/results",
                size=given.items,
                sabotage=BREAKS.get(given.broken, Sound()),
            )
            is_visible = batch.perform()
    except (NotTaken, OSError, sqlite3.Error) as error:  # requests' errors are OSErrors
        print(f"visible batch: {error}", file=sys.stderr)
        return 2
    print(f"{batch.name}: {'all results are visible' if is_visible else 'NOT all are visible'}")
    return 0 if is_visible or given.broken else 1  # the careless worker looks green


def _reporter(given: argparse.Namespace) -> Reporter:
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return Reporter(
        base_url=given.base_url.rstrip("/"),
        token=given.token,
        monitor_id=given.monitor,
        run_name=f"batch-{started}-{secrets.token_hex(2)}",
        subject="customer-messages",
        deploy_sha=given.deploy_sha,
    )


def _onlooker(given: argparse.Namespace) -> Onlooker:
    return Onlooker(
        base_url=given.base_url.rstrip("/"),
        token=given.management_token,
        monitor_id=given.monitor,
        name="Results page",
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser, demo = parser_of(EXAMPLE, __doc__, arguments)
    token = demo.get("management-token")
    parser.add_argument(
        "--management-token", default=token, required=token is None,
        help="one that may write: by it Luota's probe of the page is made, and asked to look",
    )  # fmt: skip
    parser.add_argument("--items", type=int, default=1000, help="how many the batch has, from 3 on")
    parser.add_argument(
        "--serve", action="store_true", help="perform nothing: serve the page until this is stopped"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
