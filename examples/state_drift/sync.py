"""One round: updates are queued, a worker consumes them, and then somebody looks whether they arrived."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.reporting import Reporter
from examples.state_drift import worker
from examples.state_drift.customers import Customers, seen_by
from examples.state_drift.third_party import FIRST_STATE, external_id, get_state

CONSUMED_SECONDS = 120
STATES = ("pro", "team")
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where things are in this round."""

    api_url: str
    portal_url: str
    redis_url: str


class Sync:
    """A run for each customer: the task is consumed, and the customer must see the new state."""

    def __init__(
        self, *, places: Places, customers: Customers, reporters: Mapping[str, Reporter]
    ) -> None:
        self.places = places
        self.customers = customers
        self.reporters = reporters
        """{customer: its run}."""

    def perform(self) -> bool:
        """Whether every customer sees what was asked for."""
        worker.connect(self.places.redis_url)
        worker.app.control.purge()
        wanted = {customer: self._wanted(customer) for customer in self.reporters}
        with self._working():
            answers = self._consume(wanted)
        self._tell_that_the_queue_is_empty()
        seen = [self._reconcile(name, wanted[name], answers[name]) for name in wanted]
        return all(seen)

    def _wanted(self, customer: str) -> str:
        """Another state than the one the customer has now; it is what the run expects."""
        now = self.customers.state_of(customer) or FIRST_STATE
        self.customers.set_state(customer, now)
        state = STATES[1] if now == STATES[0] else STATES[0]
        self.reporters[customer].start(
            expected={"state": state},
            tags=["sync", f"customer:{customer}"],
            payload={"customer": customer, "from": now, "to": state},
        )
        return state

    def _consume(self, wanted: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        """{customer: what the worker noted of the answer}, when it has done with every task."""
        queued = {
            customer: worker.update_customer.apply_async(
                kwargs={"order": self._order(customer), "customer": customer, "state": state}
            )
            for customer, state in wanted.items()
        }
        return {
            customer: result.get(timeout=CONSUMED_SECONDS) for customer, result in queued.items()
        }

    def _order(self, customer: str) -> dict[str, object]:
        """What the worker must know; the token stays in its environment."""
        reporter = self.reporters[customer]
        names = ("base_url", "monitor_id", "run_name", "subject", "deploy_sha", "run_id")
        return {
            "reporter": {name: getattr(reporter, name) for name in names},
            "api_url": self.places.api_url,
            "database": str(self.customers.path),
        }

    def _tell_that_the_queue_is_empty(self) -> None:
        """Comfort: asked of the broker itself."""
        with worker.app.connection_for_read() as connection:
            channel: Any = connection.default_channel
            # Not passive: to Redis an empty queue is none, and asking for it would be an error.
            waiting = channel.queue_declare(queue=worker.QUEUE).message_count
        for reporter in self.reporters.values():
            if waiting == 0:
                reporter.evidence("queue_empty", payload={"queue": worker.QUEUE, "waiting": 0})

    def _reconcile(self, customer: str, state: str, answer: Mapping[str, Any]) -> bool:
        """Steps: all three places are read, and compared with what was asked for.

        Both sides may well agree on the old state: that is no proof.
        """
        reporter, external = self.reporters[customer], external_id(customer)
        told = get_state(self.places.api_url, external)
        sides = {"thirdParty": told.state, "local": self.customers.state_of(customer)}
        seen = seen_by(customer, portal_url=self.places.portal_url)
        differences = sum(side != state for side in sides.values())
        ids = {"external": external, "customer": customer}
        facts = {"wanted": state, **sides, **answer}
        compared = {"differences": differences, **facts}
        reporter.evidence("local_reconciliation", ids=ids, payload=compared)
        reporter.evidence("customer_facing_state", ids=ids, payload={"state": seen, **facts})
        return differences == 0 and seen == state

    @contextmanager
    def _working(self) -> Iterator[None]:
        """A worker beside us, stopped when the queue is consumed."""
        process = subprocess.Popen(
            _COMMAND, cwd=_ROOT, env=self._environment(), stdout=subprocess.DEVNULL
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)

    def _environment(self) -> dict[str, str]:
        token = next(iter(self.reporters.values())).token
        own = {worker.REDIS_URL: self.places.redis_url, worker.INGEST_TOKEN: token}
        return {**os.environ, **own}


_COMMAND = [
    *(sys.executable, "-W", "ignore::RuntimeWarning"),  # in a container we are root
    *("-m", "celery", "--quiet", "--app", "examples.state_drift.worker", "worker"),
    *("--queues", worker.QUEUE, "--pool", "solo", "--loglevel", "warning"),
    *("--hostname", "state-drift@%h", "--without-gossip", "--without-mingle"),
]
