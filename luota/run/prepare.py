"""`python -m luota.run.prepare`: checks, migrations, static files and the demo, before anything is served.

A process of its own, so that the supervisor which waits for hours does not carry Django.
"""

import os
import sys
from contextlib import suppress

import django
from django.conf import settings
from django.core.checks import CheckMessage, Tags, run_checks
from django.core.management import CommandError, call_command
from django.db import Error, connection

from evidence import partitions
from luota.checks import TAG, sentence
from luota.lib import clock

MIGRATION_LOCK = 5_042_001
"""Two machines that start at once against one database migrate one after the other."""


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")
    django.setup()
    wrong = [m for m in _found() if m.is_serious()]
    if wrong:
        return _refuse([sentence(message) for message in wrong])
    try:
        _migrate()
        _make_partitions()
        call_command("collectstatic", verbosity=0, interactive=False)
        if "--demo" in sys.argv[1:]:
            call_command("seed_demo", verbosity=0)
    except (CommandError, Error, OSError) as error:
        return _refuse([(str(error).strip() or type(error).__name__).splitlines()[0]])
    return 0


def _found() -> list[CheckMessage]:
    """The settings first, then our servers: Django's own checks of models ask a database that may be away."""
    for tag in (TAG, Tags.database):
        found = run_checks(tags=[tag], databases=["default"])
        if any(message.is_serious() for message in found):
            return found
    return run_checks(databases=["default"])


def _migrate() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def _make_partitions() -> None:
    """After a week at rest there is none for today, and the beat asks for them an hour after it begins."""
    # The alarm is the hourly task's: it must not keep the product from starting.
    with suppress(partitions.DefaultPartitionUsed):
        partitions.keep(now=clock.now(), retention=settings.RETENTION)


def _refuse(sentences: list[str]) -> int:
    sys.stderr.write("".join(f"luota: {text}\n" for text in sentences))
    return 1


if __name__ == "__main__":
    sys.exit(main())
