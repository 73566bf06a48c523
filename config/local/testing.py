"""A pytest plugin: every run gets a fast database and a broker of its own, and never sees anybody's data folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from config.local.errors import CannotStart
from config.local.services import Use, remove
from config.local.throwaway import surroundings

WITHOUT_TESTS = {"-h", "--help", "--version", "-V", "--collect-only", "--co", "--fixtures", "--markers"}
USES = pytest.StashKey[list[Use]]()


# A wrapper, because pytest-django reads the settings in its own hook of this name.
@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> Iterator[None]:
    stack = ExitStack()
    early_config.add_cleanup(stack.close)
    folder = Path(tempfile.mkdtemp(prefix="tests-"))
    stack.callback(remove, folder)
    services = surroundings(os.environ, folder, durable=False)
    early_config.stash[USES] = []
    if not WITHOUT_TESTS.intersection(args):
        # They start while the tests are collected; `pytest_collection_finish` waits for them.
        early_config.stash[USES] = [stack.enter_context(Use(service)) for service in services]
    return (yield)


# With a process for each core the workers collect, each for itself, and find the services of the first one running.
@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    if getattr(session.config.option, "numprocesses", None):
        _wait(session)


def pytest_collection_finish(session: pytest.Session) -> None:
    _wait(session)


def _wait(session: pytest.Session) -> None:
    try:
        for use in session.config.stash[USES]:
            use.wait()
    except CannotStart as error:
        raise pytest.UsageError(str(error)) from error
