import os
import uuid

import pytest
from kombu import Connection

from config.local.broker import restore_unacknowledged


@pytest.fixture
def queue():
    """Return the name of a queue that nobody else uses."""
    return f"restored-{uuid.uuid4()}"


TAKE = """
import os, sys
from kombu import Connection
Connection(sys.argv[1]).SimpleQueue(sys.argv[2]).get(timeout=5)
os.kill(os.getpid(), 9)
"""


def test_restore_gives_back_what_a_killed_worker_had_taken(queue, begin):
    url = os.environ["CELERY_BROKER_URL"]
    with Connection(url) as connection:
        connection.SimpleQueue(queue).put({"run": 7})
    assert begin("-c", TAKE, url, queue).wait(timeout=20) == -9
    with Connection(url) as connection:
        assert connection.default_channel.client.llen(queue) == 0

    restore_unacknowledged(url)

    with Connection(url) as connection:
        again = connection.SimpleQueue(queue).get(timeout=5)
        again.ack()
    assert again.payload == {"run": 7}


def test_restore_leaves_what_was_answered_for(queue):
    url = os.environ["CELERY_BROKER_URL"]
    with Connection(url) as worker:
        worker.SimpleQueue(queue).put({"run": 7})
        worker.SimpleQueue(queue).get(timeout=5).ack()

        restore_unacknowledged(url)

        assert worker.default_channel.client.llen(queue) == 0
