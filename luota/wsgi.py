"""The WSGI application that the web server runs."""

import os

from django.core.wsgi import get_wsgi_application

from luota.lib.http import read_chunked_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "luota.settings")

application = read_chunked_bodies(get_wsgi_application())
