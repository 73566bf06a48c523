import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from config.local.profile import ROOT
from config.local.services import remove

OURS = {
    *("DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "ALLOWED_HOSTS", "LOCAL_PROFILE", "DATA_DIR", "PORT", "HOST"),
    *("EMAIL_URL", "EMBEDDING_MODEL", "DEBUG", "SEED", "DEMO_PASSWORD", "DJANGO_SETTINGS_MODULE"),
}


@pytest.fixture
def folder():
    """Return a data folder that PostgreSQL may enter even if we are root, and look that nothing lives there after."""
    path = Path(tempfile.mkdtemp(prefix="front-door-"))
    yield path
    left = processes_of(path)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=5)
    remove(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def plain(folder):
    """Return an environment that says nothing of ours but the data folder."""
    return {name: value for name, value in os.environ.items() if name not in OURS} | {"DATA_DIR": str(folder)}


@pytest.fixture
def begin(plain, tmp_path):
    """Start a Python process that is gone at the end of the test, with its output in a file."""
    started = []

    def start(*arguments, **environ):
        out = (tmp_path / f"out-{len(started)}.txt").open("w+", encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env=plain | environ,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        process.said = lambda: Path(out.name).read_text(encoding="utf-8")
        started.append((process, out))
        return process

    yield start
    for process, out in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        out.close()


def processes_of(folder):
    """Return the living processes whose command or environment names this data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            named = any(str(folder) in part for part in process.cmdline())
            named = named or process.environ().get("DATA_DIR") == str(folder)
            if named and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def eventually(happened, *, seconds=20):
    """Return what the question answers as soon as it is true; fail if that takes too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := happened():
            return answer
        time.sleep(0.05)
    return pytest.fail(f"it did not happen within {seconds} s")
