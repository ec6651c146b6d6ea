"""A probe of Luota that an example has look at its page: made by the public API, and asked to look now."""

import time
from typing import Any

import requests

from examples.reporting import PATIENCE_SECONDS, TRY_AGAIN, NotTaken, session_for

DAY_SECONDS = 86_400


class Onlooker:
    """Needs a management token that may write: an ingest token may only send signals."""

    def __init__(self, *, base_url: str, token: str, monitor_id: str, name: str) -> None:
        self.base_url = base_url
        self.monitor_id = monitor_id
        self.name = name
        self._session = session_for(base_url, token)

    def watch(self, *, emits: str, target: dict[str, Any]) -> str:
        """The id of the probe, found by its name.

        It is paused: it looks when it is asked and never by itself, for the page may be there as long as the example.
        One whose page is always there looks on deadlines.
        """
        wanted = {"target": target, "isPaused": True}
        body = {
            "name": self.name,
            "way": "http",
            "emits": emits,
            "everySeconds": DAY_SECONDS,
            **wanted,
        }
        path = f"/v1/monitors/{self.monitor_id}/probes"
        for probe in self._call("GET", path)["items"]:
            if probe["name"] == self.name:
                if any(probe[name] != value for name, value in wanted.items()):
                    self._call("PATCH", f"/v1/probes/{probe['id']}", wanted)
                return str(probe["id"])
        return str(self._call("POST", path, body)["id"])

    def look(self, probe_id: str, *, run_id: str) -> dict[str, Any]:
        """What Luota saw. Raises NotTaken when it could not look: that proves nothing, either way."""
        seen = self._call("POST", f"/v1/probes/{probe_id}/look", {"runId": run_id})
        if not seen["isSeen"]:
            raise NotTaken(f"Luota could not look: {seen['fault']}")
        return dict(seen["payload"])

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Again for a while when Luota is away, or was asked to look a moment ago."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = self._session.request(method, f"{self.base_url}{path}", json=body, timeout=30)
            if answer.status_code not in TRY_AGAIN or time.monotonic() > deadline:
                return _told(path, answer)
            time.sleep(float(answer.headers.get("Retry-After", 1)))


def _told(path: str, answer: requests.Response) -> dict[str, Any]:
    if not answer.ok:
        raise NotTaken(f"Luota refused {path}: {answer.status_code} {answer.text[:300]}")
    return dict(answer.json())
