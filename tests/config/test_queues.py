import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config.celery import app
from config.local.programs import Product


def queue_of(task: str) -> str:
    return app.amqp.router.route({}, task)["queue"].name


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("matching.tasks.find_matches", "matching"),
        ("matching.tasks.index_listings", "indexing"),
        ("matching.tasks.train_ranker", "nightly"),
        ("matching.tasks.prove_recall", "nightly"),
        ("marketplace.tasks.send_mails", "sending"),
        ("marketplace.tasks.close_pools", "celery"),
    ],
)
def test_work_goes_to_the_queue_of_its_kind(task, queue):
    assert queue_of(task) == queue


def test_routes_name_tasks_that_are_there():
    app.loader.import_default_modules()
    named = {name for name in settings.CELERY_TASK_ROUTES if "*" not in name}

    assert named - set(app.tasks) == set()


def test_each_queue_has_exactly_one_worker_on_one_machine(tmp_path):
    served = []
    for child in Product({}, tmp_path, "127.0.0.1", 8000, frozenset()).programs():
        command = [str(part) for part in child.command]
        if "--queues" in command:
            served += command[command.index("--queues") + 1].split(",")

    assert sorted(served) == sorted(settings.CELERY_TASK_QUEUES)


ASK = """
from config.celery import app
from django.conf import settings
with app.connection_for_write() as connection:
    print(connection.transport_cls, settings.CACHES["default"]["BACKEND"].rpartition(".")[2])
"""


def test_rabbitmq_may_be_the_broker():
    said = subprocess.run(
        [sys.executable, "-c", ASK],
        env={**os.environ, "CELERY_BROKER_URL": "amqp://user:word@broker//"},
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
        text=True,
    )

    assert said.stdout.split() == ["amqp", "DatabaseCache"]


@pytest.mark.parametrize(("broker", "made"), [("amqp://broker//", True), ("redis://broker/0", False), (None, False)])
def test_the_shared_cache_gets_a_table_where_the_broker_is_no_cache(tmp_path, broker, made):
    environ = {"CELERY_BROKER_URL": broker} if broker else {}
    steps = Product(environ, tmp_path, "127.0.0.1", 8000, frozenset()).steps()

    assert any("createcachetable" in map(str, step.child.command) for step in steps) == made
