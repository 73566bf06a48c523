import os
import signal
import socket
from pathlib import Path

import psutil
import pytest

from config.local.processes import read_json
from tests.config.conftest import eventually, processes_of

SMALL = Path(__file__).parent / "small_supervisor.py"
# No services: their own tests kill them.
ELSEWHERE = {
    "DATABASE_URL": os.environ.get("DATABASE_URL", ""),
    "CELERY_BROKER_URL": os.environ.get("CELERY_BROKER_URL", ""),
}


@pytest.fixture
def port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def supervise(begin, port):
    def start(**environ):
        return begin(SMALL, **{"PORT": str(port), **ELSEWHERE, **environ})

    return start


def children(folder):
    return [int(child["pid"]) for child in read_json(folder / "run" / "children.json", [])]


def lives(process):
    # Whoever inherits an orphan may leave it a zombie for a while.
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_and_counts_as_success(supervise, folder, port, number):
    supervisor = supervise()
    eventually(lambda: f"http://localhost:{port}/" in supervisor.said())

    supervisor.send_signal(number)

    assert supervisor.wait(timeout=20) == 0
    assert processes_of(folder) == []
    said = supervisor.said()
    assert "start    | a step" in said
    assert "worker   | worker speaks" in said
    assert "beat     | one moment" in said


def test_the_greeting_tells_address_users_and_a_demand(supervise, port):
    supervisor = supervise()

    said = eventually(lambda: "curl" in supervisor.said() and supervisor.said())

    assert f"Ready: http://localhost:{port}/" in said
    assert "buyer, seller, operator" in said
    assert "304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州" in said


def test_a_killed_child_is_started_again_and_its_own_children_are_not_left(supervise, folder):
    supervisor = supervise()
    eventually(lambda: "worker speaks" in supervisor.said() and "curl" in supervisor.said())
    worker = children(folder)[1]
    [grandchild] = psutil.Process(worker).children()

    os.kill(worker, signal.SIGKILL)

    eventually(lambda: supervisor.said().count("worker speaks") == 2)
    assert children(folder)[1] != worker
    assert not lives(grandchild)
    assert "worker ended with -9" in supervisor.said()


def test_a_killed_supervisor_leaves_nothing_that_the_next_start_does_not_sweep(supervise, folder):
    first = supervise()
    eventually(lambda: "worker speaks" in first.said() and "curl" in first.said())
    left = [psutil.Process(pid) for pid in children(folder)]
    left += [process for parent in left for process in parent.children()]

    first.kill()
    first.wait()
    second = supervise()

    eventually(lambda: "curl" in second.said())
    assert [process for process in left if lives(process)] == []


def test_a_second_start_on_the_same_folder_says_who_has_it(supervise, folder, port):
    first = supervise()
    eventually(lambda: "curl" in first.said())

    second = supervise(PORT=str(port + 1))

    assert second.wait(timeout=20) == 2
    assert f"`make run` already runs on {folder} (process {first.pid}, http://localhost:{port})" in second.said()
    assert first.poll() is None


def test_a_busy_port_is_refused_before_anything_starts(supervise, folder, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        supervisor = supervise()

        assert supervisor.wait(timeout=20) == 2

    assert supervisor.said().startswith(f"Port {port} is taken by another program")
    assert "Traceback" not in supervisor.said()
    assert processes_of(folder) == []


def test_a_step_that_fails_ends_the_start_with_its_code(supervise, folder):
    supervisor = supervise(STEP="raise SystemExit('Set SECRET_KEY.')")

    assert supervisor.wait(timeout=20) == 1
    assert "start    | Set SECRET_KEY." in supervisor.said()
    assert processes_of(folder) == []


def test_a_child_that_never_lives_ends_the_start(supervise, folder):
    supervisor = supervise(CODE_WEB="print('no such module')", CODE_BEAT="import time; time.sleep(600)")

    assert eventually(supervisor.poll, seconds=60) == 1
    assert "it keeps ending before the first answer" in supervisor.said()
    assert processes_of(folder) == []


def test_a_hang_up_while_a_step_runs_ends_it(supervise, folder):
    supervisor = supervise(STEP="import time; print('asleep', flush=True); time.sleep(600)")
    eventually(lambda: "asleep" in supervisor.said())

    supervisor.send_signal(signal.SIGHUP)

    assert supervisor.wait(timeout=20) == 0
    assert processes_of(folder) == []
