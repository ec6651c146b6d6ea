"""`python -m examples.scheduled_report`: what cron would call; exit code 0 whenever the job believes in itself."""

import argparse
import secrets
import sys
import time
from pathlib import Path

from examples.command import Example, parser_of
from examples.mail_provider import MailProvider
from examples.receivers import add_receiver
from examples.reporting import NotTaken, Reporter
from examples.scheduled_report.breaks import BREAKS, SILENT, Sound
from examples.scheduled_report.report import Report

EXAMPLE = Example(
    program="scheduled_report",
    monitor="Scheduled report",
    breaks=[*BREAKS, SILENT],
)


def main() -> int:
    given = _parse(sys.argv[1:])
    if given.broken == SILENT:
        print("Cron never fires: nothing is sent.")
        return 0
    work_dir = Path(given.work_dir)
    reporter = _reporter(given)
    sabotage = BREAKS.get(given.broken, Sound())
    provider = MailProvider(
        mailboxes=work_dir / "mailboxes", webhook=given.mail_receiver, secret=given.mail_secret
    )
    try:
        with provider:
            Report(work_dir, reporter, provider, sabotage).perform()
    except (NotTaken, OSError) as error:  # OSError: the mail server is away, a disk is full
        print(f"scheduled report: {error}", file=sys.stderr)
        return 2
    print(f"{reporter.run_name}: the job logged success")
    return 0


def _reporter(given: argparse.Namespace) -> Reporter:
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    return Reporter(
        base_url=given.base_url.rstrip("/"),
        token=given.token,
        monitor_id=given.monitor,
        run_name=f"sales-{started}-{secrets.token_hex(2)}",
        subject="weekly-sales",
        deploy_sha=given.deploy_sha,
    )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser, demo = parser_of(EXAMPLE, __doc__, arguments)
    add_receiver(parser, demo, "mail", "resend")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
