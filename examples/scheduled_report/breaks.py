"""The ways in which a report is broken on purpose, one class each. All that is green before the break stays true."""

from string import Template

from examples.mail_provider import MailProvider

PAGE = Template("""<!doctype html>
<title>Sales of the week</title>
<h1>Sales of the week</h1>
<table>
<tr><th>Product</th><th>Orders</th><th>Cents</th></tr>
$rows
</table>
<p>Together $total cents.</p>
""")


class Sound:
    """Nothing is broken: where a break would interfere, things stay as they are."""

    def template(self) -> Template:
        return PAGE

    def reader(self, address: str) -> str:
        """The address that the report is sent to."""
        return address

    def trouble(self, provider: MailProvider) -> None:
        """Before the mail is sent."""


class Gone(Sound):
    """The reader has left; the list of readers was not told. The provider learns it from the reader's server."""

    def reader(self, address: str) -> str:
        return f"formerly.{address}"


class RenamedField(Sound):
    """The template of the last deploy names a field that the query does not give."""

    def template(self) -> Template:
        return Template(PAGE.template.replace("$total", "$revenue"))


class Stuck(Sound):
    """The provider takes the mail, and its queue stands still: no receipt, no bounce."""

    def trouble(self, provider: MailProvider) -> None:
        provider.is_stuck = True


SILENT = "silent"
"""Cron never fires; there is nothing to do for it."""
BREAKS: dict[str, Sound] = {"bounce": Gone(), "render": RenamedField(), "lost": Stuck()}
