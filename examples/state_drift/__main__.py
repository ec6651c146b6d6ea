"""`python -m examples.state_drift`: change the state of some customers at a third party and report it to Luota.

Everything may be given by hand; `--demo FILE` takes it from the demo.json that `make run` writes.
"""

import argparse
import os
import secrets
import signal
import sqlite3
import sys
import time
from pathlib import Path
from types import FrameType

import requests
from celery.exceptions import CeleryError
from kombu.exceptions import KombuError

from examples.command import Example, parser_of
from examples.reporting import NotTaken, Reporter
from examples.serving import served
from examples.state_drift.customers import Customers
from examples.state_drift.sync import Places, Sync
from examples.state_drift.third_party import REFUSED, TIMEOUT, ThirdParty
from luota import embedded

EXAMPLE = Example(
    program="state_drift",
    monitor="State drift",
    breaks=(REFUSED, TIMEOUT),
)


def main() -> int:
    given = _parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, _leave)  # so that the worker is stopped
    work_dir = Path(given.work_dir)
    customers = Customers(work_dir / "customers.sqlite3")
    third_party = ThirdParty(Customers(work_dir / "third_party.sqlite3"), given.broken or "")
    try:
        with served(third_party.answer) as api_url, served(customers.answer) as portal_url:
            places = Places(api_url=api_url, portal_url=portal_url, redis_url=given.redis_url)
            sync = Sync(places=places, customers=customers, reporters=_reporters(given))
            is_seen = sync.perform()
    except (
        NotTaken,
        CeleryError,
        KombuError,
        OSError,
        sqlite3.Error,
        requests.RequestException,
    ) as error:
        print(f"state drift: {error}", file=sys.stderr)
        return 2
    print(f"state drift: {'every customer sees it' if is_seen else 'customers do NOT see it'}")
    return 0 if is_seen or given.broken else 1  # the careless worker looks green


def _reporters(given: argparse.Namespace) -> dict[str, Reporter]:
    """{customer: its run of this round}."""
    started = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}"
    return {
        customer: Reporter(
            base_url=given.base_url.rstrip("/"),
            token=given.token,
            monitor_id=given.monitor,
            run_name=f"sync-{started}-{customer}",
            subject=customer,
            deploy_sha=given.deploy_sha,
        )
        for customer in (f"cus-{number:03}" for number in range(1, given.customers + 1))
    }


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser, demo = parser_of(EXAMPLE, __doc__, arguments)
    redis_url = os.environ.get("REDIS_URL")
    if demo and not redis_url:
        redis_url = embedded.redis_url(demo["home"])
    parser.add_argument(
        "--redis-url", default=redis_url, required=not redis_url,
        help="a Redis for the queue, unix:///path or redis://host:6379; database 5 of it is used",
    )  # fmt: skip
    parser.add_argument("--customers", type=int, default=3, help="how many are updated")
    return parser.parse_args(arguments)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
