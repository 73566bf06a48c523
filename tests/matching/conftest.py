import pytest

from config.celery import app


@pytest.fixture
def worker():
    """Let a worker in this process answer each bell at once."""
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    yield
    app.conf.task_always_eager = app.conf.task_eager_propagates = False
