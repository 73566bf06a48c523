import os
import socket

import pytest

from config.local.errors import CannotStart
from config.local.reach import check_broker, check_database, check_port, port_of


@pytest.fixture
def closed_port():
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_check_database_takes_what_django_takes():
    check_database(os.environ["DATABASE_URL"] + "?conn_max_age=60")


def test_check_database_says_what_cannot_be_reached_and_never_the_password(closed_port):
    with pytest.raises(CannotStart) as refused:
        check_database(f"postgres://someone:secret@127.0.0.1:{closed_port}/trade")

    said = str(refused.value)
    assert said.startswith(f"The database 127.0.0.1:{closed_port}/trade that DATABASE_URL names cannot be reached: ")
    assert "secret" not in said
    assert "\n" not in said


def test_check_database_that_is_not_there_says_so():
    with pytest.raises(CannotStart, match='database "nowhere" does not exist'):
        check_database(os.environ["DATABASE_URL"].rpartition("/")[0] + "/nowhere")


def test_check_broker_takes_the_running_one():
    check_broker(os.environ["CELERY_BROKER_URL"])


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_check_broker_says_what_cannot_be_reached(closed_port, scheme):
    with pytest.raises(CannotStart, match=f"The broker 127.0.0.1:{closed_port} that CELERY_BROKER_URL names cannot be"):
        check_broker(f"{scheme}://user:secret@127.0.0.1:{closed_port}/0")


def test_check_broker_is_content_with_one_of_several(closed_port):
    check_broker(f"redis://127.0.0.1:{closed_port}/0;{os.environ['CELERY_BROKER_URL']}")


def test_check_port_refuses_a_taken_one_and_names_the_next():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(CannotStart, match=f"Port {port} is taken by another program.*PORT={port + 1} make run"):
            check_port("127.0.0.1", port)


def test_check_port_takes_a_free_one(closed_port):
    check_port("127.0.0.1", closed_port)


@pytest.mark.parametrize("said", ["0", "65536", "web", "80 80", "-1", "²"])
def test_port_of_refuses_what_is_no_port(said):
    with pytest.raises(CannotStart, match="PORT must be a number from 1 to 65535"):
        port_of({"PORT": said})


def test_port_of_is_8000_where_nobody_says():
    assert (port_of({}), port_of({"PORT": ""}), port_of({"PORT": "8011"})) == (8000, 8000, 8011)
