import pytest

from config.celery import app
from tests.factories import UserFactory


@pytest.fixture
def worker():
    """Let a worker in this process answer each bell at once."""
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = app.conf.task_eager_propagates = False


@pytest.fixture
def clock(monkeypatch, now):
    """Let pages and services read the time that the test knows."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


@pytest.fixture
def hasty(monkeypatch):
    """Let a stop of the dial be computed in a moment: the markets of tests are small."""
    monkeypatch.setattr("matching.runs.clearing.PATIENCE", 0.05)
    monkeypatch.setattr("matching.runs.clearing.LEAST_PATIENCE", 0.05)


@pytest.fixture
def operator():
    return UserFactory(is_staff=True, language="en")
