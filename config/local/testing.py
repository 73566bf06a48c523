"""A pytest plugin: every run gets a fast database and a broker of its own, and never sees anybody's data folder."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.local.errors import CannotStart
from config.local.services import Use, missing_services, remove

WITHOUT_TESTS = {"-h", "--help", "--version", "-V", "--collect-only", "--co", "--fixtures", "--markers"}
USES = pytest.StashKey[list[Use]]()


# A wrapper, because pytest-django reads the settings in its own hook of this name.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Iterator[None]:
    stack = ExitStack()
    early_config.add_cleanup(stack.close)
    folder = Path(tempfile.mkdtemp(prefix="tests-"))
    stack.callback(remove, folder)
    os.environ["DATA_DIR"] = str(folder)
    os.environ.setdefault("LOCAL_PROFILE", "1")
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(64))
    os.environ.setdefault("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    # OpenMP with its defaults is many times slower here and hangs after a fork; nothing is fetched while tests run.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    services = missing_services(os.environ, folder, durable=False)
    early_config.stash[USES] = []
    if not WITHOUT_TESTS.intersection(args):
        # They start while the tests are collected; `pytest_collection_finish` waits for them.
        early_config.stash[USES] = [stack.enter_context(Use(service)) for service in services]
    return (yield)


def pytest_collection_finish(session: pytest.Session) -> None:
    try:
        for use in session.config.stash[USES]:
            use.wait()
    except CannotStart as error:
        raise pytest.UsageError(str(error)) from error
