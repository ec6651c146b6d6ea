"""Luota's settings with what tests need."""

from luota.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
INTAKE_GROUP_COMMIT = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Empty: tests serve static files as they lie; whitenoise warns of a directory that is not there.
STATIC_ROOT = LUOTA_HOME / "static-of-tests"  # noqa: F405
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
