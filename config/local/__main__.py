"""`python -m config.local COMMAND`: what the Makefile and the supervisor start."""

import argparse
import os
import sys
from pathlib import Path

from config.local.errors import CannotStart
from config.local.keeper import Keeper
from config.local.profile import data_folder, write_profile
from config.local.services import SERVICES


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.local")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("profile", help="write the local profile, unless it is there")
    keep = commands.add_parser("keep", help="own one embedded service for as long as somebody uses it")
    keep.add_argument("service", choices=[kind.name for kind in SERVICES])
    keep.add_argument("folder", type=Path)
    keep.add_argument("--throwaway", action="store_true", help="fast, and lost when it ends")
    options = parser.parse_args()
    try:
        if options.command == "profile":
            write_profile(data_folder(os.environ))
            return 0
        kind = next(kind for kind in SERVICES if kind.name == options.service)
        return Keeper(kind(options.folder, durable=not options.throwaway)).run()
    except CannotStart as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
