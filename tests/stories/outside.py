"""Examples with vendors in their stories: monitors of the shipped blueprint, receivers bound to one of them each."""

import base64
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tests.processes import ROOT, Product

JUDGED_SECONDS = 90
"""Longer than any deadline in these stories, on a machine that is busy with other tests."""
SECRET = f"whsec_{base64.b64encode(b'a key of 24 bytes, about').decode()}"


class Stage:
    """One product, and for each name a monitor of its own with what the vendors deliver to."""

    def __init__(
        self,
        product: Product,
        example: str,
        vendors: Mapping[str, str],
        watched: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """`vendors` are {argument: vendor}, as in {"mail": "resend"}; `watched` as in Product.apply_blueprint."""
        self.product = product
        self.example = example
        slug = example.replace("_", "-")
        self.monitors = product.apply_blueprint(slug, watched, owner="Revenue")
        self.receivers = {
            name: {
                argument: self._receiver(f"{vendor} {name}", vendor, monitor_id)
                for argument, vendor in vendors.items()
            }
            for name, monitor_id in self.monitors.items()
        }

    def start(self, name: str, broken: str = "", *more: str) -> "subprocess.Popen[str]":
        command = [
            *(sys.executable, "-m", f"examples.{self.example}"),
            *("--base-url", self.product.base_url, "--token", self.product.ingest_token),
            *("--monitor", self.monitors[name], "--deploy-sha", "5eed5eed"),
            *("--work-dir", str(self.product.place / "examples" / name)),
        ]
        for argument, address in self.receivers[name].items():
            command += [f"--{argument}-receiver", address, f"--{argument}-secret", SECRET]
        command += [*more, *(["--break", broken] if broken else [])]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def file_of(self, name: str) -> dict[str, Any]:
        """The one file about this monitor, waited for."""
        product, monitor_id = self.product, self.monitors[name]
        files = product.wait_for(lambda: product.files(monitor_id), seconds=JUDGED_SECONDS)
        assert len(files) == 1
        return dict(files[0])

    def resolved_file_of(self, name: str) -> dict[str, Any]:
        """The same when it has closed itself."""
        product, monitor_id = self.product, self.monitors[name]
        (file,) = product.wait_for(
            lambda: product.files(monitor_id, "resolved"), seconds=JUDGED_SECONDS
        )
        return dict(file)

    def runs(self, name: str, state: str = "") -> list[dict[str, Any]]:
        query = "select id from monitors_run where monitor_id = %s order by id"
        runs = [self.product.read(f"/v1/runs/{uid}") for (uid,) in self._rows(query, name)]
        return [run for run in runs if state in {"", run["state"]}]

    def evidence(self, name: str) -> list[tuple[Any, ...]]:
        """(kind, source, strength) of all that came, sorted."""
        query = "select kind, source, strength from evidence_evidence where monitor_id = %s"
        return sorted(self._rows(query, name))

    def _rows(self, query: str, name: str) -> list[tuple[Any, ...]]:
        return self.product.sql(query, self.monitors[name])

    def _receiver(self, name: str, vendor: str, monitor_id: str) -> str:
        body = {"vendor": vendor, "name": name, "secret": SECRET, "monitorId": monitor_id}
        answer = self.product.api("POST", "/v1/receivers", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["address"])


def finish(process: "subprocess.Popen[str]") -> str:
    """What it said; a program that is broken on purpose still believes in itself."""
    said, complaints = process.communicate(timeout=JUDGED_SECONDS)
    assert process.returncode == 0, complaints
    assert complaints == ""
    return said
