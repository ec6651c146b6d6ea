"""What the app tells Luota. It opens no run: Stripe's own delivery does; here the run is known by its invoice."""

from typing import Any

from examples.reporting import Reporter


class InvoiceReporter(Reporter):
    """`run_name` is the invoice. Evidence that is quicker than Stripe's delivery meets it in the same run."""

    def evidence(self, kind: str, **words: Any) -> None:
        body = {"kind": kind, "externalRunId": self.run_name, **words}
        self._send(f"/v1/monitors/{self.monitor_id}/evidence", kind, body)
