"""`python -m luota.run.prepare`: checks, migrations, static files and the demo, before anything is served.

A process of its own, so that the supervisor which waits for hours does not carry Django.
"""

import os
import sys

import django
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.db import Error, connection

MIGRATION_LOCK = 5_042_001
"""Two machines that start at once against one database migrate one after the other."""


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")
    django.setup()
    try:
        call_command("check", databases=["default"])
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_lock(%s)", [MIGRATION_LOCK])
            call_command("migrate", verbosity=0, interactive=False)
            cursor.execute("select pg_advisory_unlock(%s)", [MIGRATION_LOCK])
        call_command("collectstatic", verbosity=0, interactive=False)
        if "--demo" in sys.argv[1:]:
            call_command("seed_demo", verbosity=0)
    except SystemCheckError as error:
        return _refuse(_sentences(str(error)))
    except (CommandError, Error, OSError) as error:
        return _refuse(f"luota: {_first_line(error)}")
    return 0


def _refuse(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _sentences(report: str) -> str:
    """The checks' own sentences, without Django's frame around them."""
    lines = [line.strip() for line in report.splitlines()]
    return "\n".join(f"luota: {line}" for line in lines if line.startswith(("?:", "HINT")))


if __name__ == "__main__":
    sys.exit(main())
