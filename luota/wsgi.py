"""The WSGI application that the web server runs."""

import gc
import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")

_pages = get_wsgi_application()

from evidence import group_commit  # noqa: E402 - the applications must be loaded first
from evidence.api.limits import body_limit  # noqa: E402
from luota.celery import app as celery_app  # noqa: E402 - nudges need the configured application
from luota.checks import refuse_wrong_settings  # noqa: E402
from luota.lib.http import ApiHandler, bounded_bodies, by_path  # noqa: E402

__all__ = ["application", "celery_app"]

refuse_wrong_settings()
application = bounded_bodies(by_path(_pages, ApiHandler()), body_limit)
# The thread that stores comes back from each statement to threads that read JSON, and holds locked rows
# while it waits for its turn: with Python's five milliseconds a turn that wait is longer than the statement.
sys.setswitchinterval(0.0005)
gc.freeze()  # what is loaded by now stays: no request shall pay for looking it over
group_commit.start()
