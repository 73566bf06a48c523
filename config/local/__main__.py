"""`python -m config.local COMMAND`: what the Makefile and the supervisor start."""

import argparse
import os
import signal
import sys
from pathlib import Path

from config.local.broker import restore_unacknowledged
from config.local.errors import CannotStart
from config.local.keeper import Keeper
from config.local.processes import is_locked, read_json, until
from config.local.profile import data_folder, write_profile
from config.local.services import SERVICES
from config.local.supervisor import Supervisor
from config.local.throwaway import bench

CHILDREN_ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    # With OpenMP's defaults three processes on two cores run many times slower, and a fork after its first use hangs.
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONUNBUFFERED": "1",
    # In a container everything is root; messages are JSON, so the danger Celery warns of is not there.
    "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.local")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("profile", help="write the local profile, unless it is there")
    keeper = commands.add_parser("keep", help="own one embedded service for as long as somebody uses it")
    keeper.add_argument("service", choices=[kind.name for kind in SERVICES])
    keeper.add_argument("folder", type=Path)
    keeper.add_argument("--throwaway", action="store_true", help="fast, and lost when it ends")
    celery = commands.add_parser("worker", help="become a Celery worker")
    celery.add_argument("--restore", action="store_true", help="first give back what a killed worker had taken")
    celery.add_argument("celery", nargs="+")
    commands.add_parser("run", help="start everything and keep it running until Ctrl-C")
    commands.add_parser("stop", help="stop what `run` started, and wait until it is gone")
    benches = commands.add_parser("bench", help="run the benchmarks on a folder of their own")
    benches.add_argument("names", nargs="*", help="only these (bench_NAME.py)")
    options = parser.parse_args()
    try:
        return COMMANDS[options.command](options)
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2


def profile(_: argparse.Namespace) -> int:
    write_profile(data_folder(os.environ))
    return 0


def keep(options: argparse.Namespace) -> int:
    kind = next(kind for kind in SERVICES if kind.name == options.service)
    return Keeper(kind(options.folder, durable=not options.throwaway)).run()


def run(_: argparse.Namespace) -> int:
    os.environ.update(CHILDREN_ENVIRONMENT)
    return Supervisor(os.environ).run()


def stop(_: argparse.Namespace) -> int:
    folder = data_folder(os.environ) / "run"
    lock = folder / "supervisor.lock"
    if not lock.exists() or not is_locked(lock):
        print("Nothing runs on this data folder.")
        return 0
    os.kill(read_json(folder / "supervisor.json", {})["pid"], signal.SIGTERM)
    return 0 if until(lambda: not is_locked(lock), seconds=60) else 1


def worker(options: argparse.Namespace) -> int:
    if options.restore:
        restore_unacknowledged(os.environ["CELERY_BROKER_URL"])
    # The same process number, so that the supervisor watches the worker itself.
    os.execv(options.celery[0], options.celery)  # noqa: S606


COMMANDS = {
    "profile": profile,
    "keep": keep,
    "run": run,
    "stop": stop,
    "worker": worker,
    "bench": lambda options: bench(options.names),
}


if __name__ == "__main__":
    sys.exit(main())
