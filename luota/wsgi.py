"""The WSGI application that the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")

_django = get_wsgi_application()

from evidence.api.limits import body_limit  # noqa: E402 - the applications must be loaded first
from luota.lib.http import bounded_bodies  # noqa: E402

application = bounded_bodies(_django, body_limit)
