"""What every test stands on: fast passwords, no digests of static files, a clock the test passes in."""

import datetime as dt

import pytest


@pytest.fixture(autouse=True)
def _settings_for_tests(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.LOCAL_PROFILE = True
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def now():
    """Return a fixed moment: noon in Shanghai on 2 March 2026."""
    return dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)
