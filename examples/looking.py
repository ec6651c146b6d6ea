"""A probe of Luota that an example has look at its page: made by the public API, and asked to look now."""

from typing import Any

import requests

from examples.reporting import NotTaken, session_for

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

        It looks when it is asked. One whose page is always there would look on deadlines, too.
        """
        body = {
            "name": self.name,
            "way": "http",
            "emits": emits,
            "target": target,
            "everySeconds": DAY_SECONDS,
        }
        path = f"/v1/monitors/{self.monitor_id}/probes"
        for probe in self._call("GET", path)["items"]:
            if probe["name"] == self.name:
                if probe["target"] != target:
                    self._call("PATCH", f"/v1/probes/{probe['id']}", {"target": target})
                return str(probe["id"])
        return str(self._call("POST", path, body)["id"])

    def look(self, probe_id: str, *, run_id: str) -> dict[str, Any]:
        """What Luota saw. Raises NotTaken when it could not look: that proves nothing, either way."""
        seen = self._call("POST", f"/v1/probes/{probe_id}/look", {"runId": run_id})
        if not seen["isSeen"]:
            raise NotTaken(f"Luota could not look: {seen['fault']}")
        return dict(seen["payload"])

    def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer: requests.Response = self._session.request(
            method, f"{self.base_url}{path}", json=body, timeout=30
        )
        if not answer.ok:
            raise NotTaken(f"Luota refused {path}: {answer.status_code} {answer.text[:300]}")
        return dict(answer.json())
