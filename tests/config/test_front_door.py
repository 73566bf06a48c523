"""What a newcomer meets at the terminal: one sentence where something is wrong, and a product that starts and ends."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from config.local.profile import ROOT, write_profile
from tests.config.conftest import eventually, processes_of

RUN = ("-m", "config.local", "run")


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def manage(plain):
    """Run one command to its end; return its exit code and what it said."""

    def run(*arguments, **environ):
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=plain | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    return run


def settings(**others):
    return {
        "SECRET_KEY": "s" * 60,
        "ALLOWED_HOSTS": "localhost",
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "CELERY_BROKER_URL": os.environ["CELERY_BROKER_URL"],
        **others,
    }


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "CELERY_BROKER_URL"])
def test_manage_without_a_setting_names_it_in_a_sentence(manage, missing):
    code, said = manage("migrate", **settings(**{missing: ""}))

    assert code == 2
    assert said.startswith(f"Set {missing}: ")
    assert len(said.splitlines()) == 1


def test_manage_says_in_a_sentence_that_the_database_cannot_be_reached(manage, closed_port):
    code, said = manage("migrate", **settings(DATABASE_URL=f"postgres://u:secret@127.0.0.1:{closed_port}/trade"))

    assert code == 2
    assert said.startswith(f"The database 127.0.0.1:{closed_port}/trade that DATABASE_URL names cannot be reached: ")
    assert len(said.splitlines()) == 1


def test_manage_helps_without_any_setting_and_starts_nothing(manage, folder):
    write_profile(folder)

    code, said = manage("help")

    assert code == 0
    assert "migrate" in said
    assert sorted(path.name for path in folder.iterdir()) == ["profile.env"]


def test_manage_with_the_profile_has_a_database_for_as_long_as_it_needs_one(manage, folder):
    write_profile(folder)
    asked = "from django.db import connection as c; c.ensure_connection(); print(c.get_connection_params()['dbname'])"

    code, said = manage("shell", "--no-imports", "-c", asked)

    assert (code, said.splitlines()[-1]) == (0, "marketplace")
    assert processes_of(folder) == []


def test_run_without_a_profile_or_settings_says_what_to_set(begin):
    started = begin(*RUN)

    assert started.wait(timeout=60) == 2
    assert "Set SECRET_KEY: " in started.said()
    assert "Traceback" not in started.said()


def test_run_says_in_a_sentence_that_the_database_cannot_be_reached(begin, closed_port):
    started = begin(*RUN, **settings(DATABASE_URL=f"postgres://u:secret@127.0.0.1:{closed_port}/trade"))

    assert started.wait(timeout=60) == 2
    assert started.said().startswith(f"The database 127.0.0.1:{closed_port}/trade that DATABASE_URL names cannot be")
    assert len(started.said().splitlines()) == 1


def test_run_says_in_a_sentence_that_the_port_is_taken(begin, folder):
    write_profile(folder)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        started = begin(*RUN, PORT=str(taken.getsockname()[1]))

        assert started.wait(timeout=60) == 2

    assert len(started.said().splitlines()) == 1
    assert "is taken by another program" in started.said()


@pytest.mark.slow
def test_run_serves_from_an_empty_folder_and_ends_without_a_trace(begin, folder, closed_port):
    write_profile(folder)
    started = begin(*RUN, PORT=str(closed_port), SEED="0")

    eventually(lambda: started.poll() is not None or "Ready:" in started.said(), seconds=120)

    assert started.poll() is None, started.said()
    with urllib.request.urlopen(f"http://127.0.0.1:{closed_port}/healthz", timeout=10) as answer:
        assert answer.read() == b"ok\n"
    # Without a redirect to https, and with its style sheet.
    with urllib.request.urlopen(f"http://127.0.0.1:{closed_port}/", timeout=10) as answer:
        assert answer.status == 200

    started.send_signal(signal.SIGINT)
    assert started.wait(timeout=60) == 0, started.said()
    assert processes_of(folder) == []
