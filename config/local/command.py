"""What stands between `manage.py` and Django: the local profile, and the services that the command needs."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from config.local.profile import data_folder, is_local, load_profile
from config.local.services import missing_services, running

# Every other command may need the database, so these are the only ones that do not wait for it.
WITHOUT_SERVICES = {
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "prepare_benchmark",
    "simulate_outcomes",
    "startapp",
    "version",
}
# Product rule: these take paths and need no running service.
WITHOUT_SERVICES_PREFIXES = ("evaluate_", "train_", "score_", "plan_", "rank_", "solve_", "clear_")


def needs_services(arguments: Sequence[str]) -> bool:
    """Return whether this command line (without the program) may talk to the database or the broker.

    >>> needs_services(["migrate"]), needs_services(["migrate", "--help"]), needs_services(["evaluate_pairs", "x.tsv"])
    (True, False, False)
    """
    if not arguments or arguments[0].startswith("-") or {"-h", "--help"}.intersection(arguments):
        return False
    name = arguments[0]
    if name == "check":
        return "--database" in arguments
    return name not in WITHOUT_SERVICES and not name.startswith(WITHOUT_SERVICES_PREFIXES)


@contextmanager
def surroundings(arguments: Sequence[str]) -> Iterator[None]:
    """Give a Django command its settings and, where it needs them, the embedded services for as long as it runs.

    :raises CannotStart: if a service does not start
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    load_profile(os.environ)
    services = missing_services(os.environ, data_folder(os.environ)) if is_local(os.environ) else []
    with running(services if needs_services(arguments) else []):
        yield
