"""A browser, a worker that answers each bell at once, and the listener that hears of posted listings."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.urls import reverse
from django.utils import timezone

from config.celery import app
from marketplace.models import User
from marketplace.services.categories import SHIPPED, load_catalogue
from matching.management.commands.listen import Listener
from tests.factories import NOON, UserFactory

PASSWORD = "fine-weather-9"


@pytest.fixture(scope="session", autouse=True)
def _static_folder():
    # The live server starts before any test, and whitenoise warns of a folder that is not there.
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "locale": "zh-CN"}


@pytest.fixture
def context(context):
    """Give up early: a page of ours answers in far less."""
    context.set_default_timeout(20_000)
    return context


@pytest.fixture
def real_now():
    """Return the present moment: pages read the clock themselves."""
    return timezone.now()


@pytest.fixture
def catalogue(transactional_db, tmp_path):
    """Load the categories of one cluster: all of them take longer than the story."""
    folder = tmp_path / "categories"
    folder.mkdir()
    shutil.copy(SHIPPED / "pumps_valves.json", folder)
    load_catalogue(folder=folder, now=NOON)


@pytest.fixture
def worker(transactional_db) -> Iterator[None]:
    """Let tasks run where they are rung, and a listener make posted listings matchable."""
    app.conf.task_always_eager = True
    listener = Listener()

    def listen() -> None:
        try:
            listener.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield
    listener.stop()
    thread.join(timeout=10)
    app.conf.task_always_eager = False


@pytest.fixture
def person(transactional_db):
    """Return a function that makes a user who can log in."""

    def make(name: str, **facts) -> User:
        user = UserFactory(username=name, **facts)
        user.set_password(PASSWORD)
        user.save()
        return user

    return make


@pytest.fixture
def enter(live_server):
    """Return a function that logs a user in, in a page's own browser context."""

    def log_in(page, name: str) -> None:
        page.goto(live_server.url + reverse(settings.LOGIN_URL))
        page.fill("[name=username]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_url("**" + reverse("marketplace:workspace"))

    return log_in
