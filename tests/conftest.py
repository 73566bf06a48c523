"""What every test stands on: fast passwords, no digests of static files, a clock the test passes in."""

import datetime as dt
import os
import shutil

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from config.celery import app

CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@pytest.fixture(autouse=True)
def _settings_for_tests(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.STATIC_ROOT = tmp_path
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.LOCAL_PROFILE = True
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def now():
    """Return a fixed moment: noon in Shanghai on 2 March 2026."""
    return dt.datetime(2026, 3, 2, 4, tzinfo=dt.UTC)


@pytest.fixture
def clock(monkeypatch, now):
    """Let pages and services read the time that the test knows."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def worker():
    """Let a worker in this process answer each bell at once."""
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = app.conf.task_eager_propagates = False


@pytest.fixture
def count_queries(client):
    """Return how many queries a page asks."""

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            response = client.get(path)
        assert response.status_code == 200
        return len(asked)

    return count


@pytest.fixture
def english():
    """Let services and commands speak English, which tests can read."""
    with translation.override("en"):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Part with every connection before the database is dropped: a browser's last request may hold one still."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        cursor.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")


@pytest.fixture(autouse=True)
def _default_language():
    """Forget the language that a request of the test before was answered in."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Use the machine's own Chromium; the test is skipped where there is none."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        pytest.skip("no Chromium on this machine (.ci/run installs it)")
    # Playwright keeps an event loop in this thread, and Django would refuse every query beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
    return {**browser_type_launch_args, "executable_path": path, "args": quiet}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Where a browser was promised (.ci/run sets REQUIRE_BROWSER), a skipped browser test is a failure."""
    report = yield
    if report.skipped and item.get_closest_marker("browser") and os.environ.get("REQUIRE_BROWSER"):
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_BROWSER is set, yet this was skipped: {report.longrepr}"
    return report
