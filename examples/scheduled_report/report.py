"""The report itself: query, render, send. What holds is told; what became of the mail is the provider's to tell."""

import sqlite3
import traceback
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

from examples.mail_provider import MailProvider
from examples.mailing import Taken, send_mail
from examples.reporting import Reporter
from examples.scheduled_report.breaks import Sound

READER = "sales@example.org"
_Rows = list[tuple[str, int, int]]
"""(product, orders, cents)"""


class Report:
    """One issue of it, in `work_dir`: the shop's database, the rendered files."""

    def __init__(
        self, work_dir: Path, reporter: Reporter, provider: MailProvider, sabotage: Sound
    ) -> None:
        self.reporter = reporter
        self.provider = provider
        self.sabotage = sabotage
        work_dir.mkdir(parents=True, exist_ok=True)
        self.database = work_dir / "shop.sqlite3"
        self.file = work_dir / f"{reporter.run_name}.html"
        provider.open_mailbox(READER)
        sabotage.trouble(provider)

    def perform(self) -> None:
        """A careless job like many: it catches what goes wrong, and logs success."""
        self.reporter.start(payload={"reader": READER}, tags=["report:sales"])
        rows = self._query()
        try:
            self._render(rows)
            self._send()
        except KeyError:
            said = traceback.format_exc()
            facts = {"step": "render", "file": self.file.name}
            self.reporter.evidence("render_failed", payload=facts, output=said)
        self.reporter.success("Report finished.", exitCode=0)

    def _query(self) -> _Rows:
        """Comfort: there is something to report."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.executescript(_SHOP)
            rows: _Rows = connection.execute(_SALES).fetchall()
        self.reporter.evidence("query_completed", payload={"products": len(rows)})
        return rows

    def _render(self, rows: _Rows) -> None:
        """Raises KeyError when the template asks for more than there is."""
        lines = (f"<tr><td>{name}<td>{orders}<td>{cents}</tr>" for name, orders, cents in rows)
        total = sum(cents for _, _, cents in rows)
        text = self.sabotage.template().substitute(rows="\n".join(lines), total=total)
        self.file.write_text(text)
        self.reporter.evidence(
            "report_rendered", payload={"file": self.file.name, "bytes": len(text)}
        )

    def _send(self) -> None:
        """Comfort: the mail server took it. Its message id is what the receipt will speak of."""
        message = EmailMessage()
        message["From"], message["To"] = "reports@example.com", self.sabotage.reader(READER)
        message["Subject"] = "Sales of the week"
        message.set_content("The report is attached.")
        message.add_attachment(self.file.read_text(), subtype="html", filename=self.file.name)
        taken: Taken = send_mail(self.provider.port, message)
        facts = {"answer": taken.answer, "file": self.file.name}
        self.reporter.evidence("mail_accepted", ids={"message": taken.message_id}, payload=facts)


_SHOP = """
    CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, product TEXT, cents INTEGER);
    INSERT OR IGNORE INTO orders VALUES (1, 'kettle', 2900), (2, 'lamp', 4900), (3, 'kettle', 2900);
"""
_SALES = "SELECT product, count(*), sum(cents) FROM orders GROUP BY product ORDER BY product"
