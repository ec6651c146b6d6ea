"""All settings, read from the environment and from nowhere else; `.env.example` lists every name.

Without DATABASE_URL and REDIS_URL the bundled engines under LUOTA_HOME are meant (luota/embedded).
"""

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from luota import embedded
from luota.environment import Environment, WrongSetting

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

LUOTA_HOME = Path(env.str("LUOTA_HOME", default=str(BASE_DIR / ".luota"))).resolve()
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
BASE_URL = env.str("BASE_URL", default=f"http://localhost:{PORT}").rstrip("/")
DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("DEMO", default=True)
"""`make run` seeds the demo workspace and keeps it alive."""
IS_BUNDLED = not env.str("DATABASE_URL", default="")


def _key_of_our_own(name: str) -> str:
    """The bundled engines come with keys in LUOTA_HOME; with servers of yours they must be given."""
    try:
        return embedded.find_or_make_key(LUOTA_HOME, name) if IS_BUNDLED else ""
    except embedded.EngineError as error:
        raise WrongSetting(str(error)) from error


# ── secrets ────────────────────────────────────────────────────────────────────────────────────
IS_SECRET_KEY_GIVEN = bool(env.str("SECRET_KEY", default=""))
SECRET_KEY = env.str("SECRET_KEY", default="") or _key_of_our_own("secret-key")
SECRETS_KEYS = env.list("SECRETS_KEYS", default=[]) or [
    key for key in [_key_of_our_own("secrets-key")] if key
]
"""Fernet keys for secrets at rest, newest first; older ones only decrypt."""

# ── who may call ───────────────────────────────────────────────────────────────────────────────
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = [BASE_URL]
IS_HTTPS = BASE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_SSL_REDIRECT = False  # the proxy's business; a redirect would lose the body of a ping
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# ── the pieces ─────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "luota.portal",
    "incidents",
    "evidence",
    "monitors",
    "workspaces",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "luota.lib.http.request_id_middleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "luota.lib.admin.admin_policy_middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
API_MIDDLEWARE = [
    "luota.lib.http.request_id_middleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
"""What calls under /v1/ and /in/ pass in the web server: no cookies, no forms, no pages (measured by bench/)."""
ROOT_URLCONF = "luota.urls"
WSGI_APPLICATION = "luota.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# ── engines ────────────────────────────────────────────────────────────────────────────────────
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", default=8)
WEB_WORKERS = env.int("WEB_WORKERS", default=2)
WEB_THREADS = env.int("WEB_THREADS", default=32)
"""Threads of each web process; those beyond its pool wait for the group commit or for a connection."""
WORKER_PROCESSES = env.int("WORKER_PROCESSES", default=2)
"""Processes of each Celery worker: one worker judges, one tells."""
DATABASE_URL = env.str("DATABASE_URL", default="") or embedded.database_url(LUOTA_HOME)
DATABASE = env.database(DATABASE_URL)
DATABASES = {
    "default": {
        **DATABASE,
        "ENGINE": "luota.lib.postgresql",
        # The pool asks each connection that it gives out: one that died with a restarted server is replaced,
        # not handed to a request. Signals do not pay for it: the group commit has its own connection.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": DATABASE_POOL_SIZE, "timeout": 5},
            "connect_timeout": 5,
            **DATABASE.get("OPTIONS", {}),  # the address may ask for more, such as sslmode
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
IS_REDIS_BUNDLED = not env.str("REDIS_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="") or embedded.redis_url(LUOTA_HOME)
CACHES = {
    "default": {
        "BACKEND": "luota.lib.cache.ForgetfulRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "luota",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}
"""Counts the attempts of sign-in; nothing else is cached."""
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# ── Celery: the beat table is in luota/celery.py ───────────────────────────────────────────────
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
# Acknowledged when taken: the next tick repeats what a dead one left. Late acknowledgements end a worker
# that loses Redis in the middle of a task: the broker library acknowledges on a channel that is closed.
CELERY_TASK_ACKS_LATE = False
# Only tasks that are acknowledged late are cancelled, and there are none: it spares a warning of ten lines.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "evaluate"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 5}
CELERY_TIMEZONE = "UTC"

# ── accounts ───────────────────────────────────────────────────────────────────────────────────
AUTH_USER_MODEL = "workspaces.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "workspaces.accounts.AccountAdapter"
UNFOLD = {
    "SITE_TITLE": "Luota support",
    "SITE_HEADER": "Luota support",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "/static/icons/luota.svg"}],
}
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"

# ── mail, words, files ─────────────────────────────────────────────────────────────────────────
_MAIL = f"filemail:///{quote(str(LUOTA_HOME / 'mail'))}" if IS_BUNDLED else "consolemail://"
vars().update(env.mail("EMAIL_URL", default=_MAIL))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Luota <luota@localhost>")
EMAIL_TIMEOUT = 10
LANGUAGE_CODE = "en"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static-collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Compressed ahead, not by request. Names are not hashed: that would triple the time of a start.
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024  # above every limit of luota/lib/http

# ── the API ────────────────────────────────────────────────────────────────────────────────────
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "luota.lib.api.JsonAlways",
    "DEFAULT_METADATA_CLASS": None,  # nothing is told to OPTIONS without a token
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "luota.lib.api.problem_from_exception",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Luota",
    "VERSION": "1",
    "DESCRIPTION": "Signals in, standings out. Calls that take signals keep what they know and list the rest as"
    " `ignoredFields`; all other calls refuse a field or a parameter of a list that they do not know: 422, with its"
    " name as `field`.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "APPEND_COMPONENTS": {
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "header", "name": "X-Luota-Key"},
            "bearer": {"type": "http", "scheme": "bearer"},
        }
    },
    "SECURITY": [{"key": []}, {"bearer": []}],
    "ENUM_NAME_OVERRIDES": {
        "RunState": "monitors.conditions.values.State",
        "MonitorState": "monitors.standings.Watch",
        "IncidentState": "incidents.lifecycle.State",
        "DeliveryState": "incidents.models.DeliveryState",
        "ChannelKind": "workspaces.models.ChannelKind",
        "TokenKind": "workspaces.models.TokenKind",
        "ProbeWay": "evidence.probes.contract.Way",
        "PullWay": "evidence.pulls.contract.PullWay",
        "IncidentCause": "monitors.conditions.values.Cause",
        "UnplacedReason": "evidence.models.Unplaced",
    },
}

# ── Luota's own ────────────────────────────────────────────────────────────────────────────────
RETENTION = timedelta(days=env.int("RETENTION_DAYS", default=30))
"""How long evidence is kept; its daily partitions are dropped after it."""
IDEMPOTENCY_RETENTION = timedelta(days=env.int("IDEMPOTENCY_DAYS", default=7))
INTAKE_GROUP_COMMIT = env.bool("INTAKE_GROUP_COMMIT", default=True)
"""False stores in the caller's own transaction: for tests and commands."""
UNPLACED_SETTLE = timedelta(seconds=env.int("UNPLACED_SETTLE_SECONDS", default=600))
"""Evidence from outside may be so early before it counts as one that finds no run."""
RATE_PER_MINUTE = env.int("RATE_PER_MINUTE", default=60)
RATE_PER_HOUR = env.int("RATE_PER_HOUR", default=1000)
OUTBOUND_ALLOWED_NETWORKS = env.list("OUTBOUND_ALLOWED_NETWORKS", default=[])
"""Private networks (CIDR) that webhooks and probes may reach; all others that are not public are refused."""
PROBE_FILE_ROOTS = env.list("PROBE_FILE_ROOTS", default=[])
"""Folders that probes of every workspace may look into by file://; none: no file is read."""
PROBE_SOCKET_FOLDERS = env.list("PROBE_SOCKET_FOLDERS", default=[])
"""Folders of unix sockets of PostgreSQL servers that probes of every workspace may ask."""

LOG_LEVEL = env.choice(
    "LOG_LEVEL", choices=("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), default="INFO"
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "luota.lib.logs.LineFormatter"}},
    "filters": {"once": {"()": "luota.lib.logs.SaidOnce"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["once"]}
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Answers from 400 to 499 are the caller's business; at this level they also bring tracebacks.
        "django.request": {"level": "ERROR"},
        # What a store answers is told on the probe; these tell every request, or every refusal with its traceback.
        "azure": {"level": "WARNING"},
        "gcsfs": {"level": "CRITICAL"},
    },
}
