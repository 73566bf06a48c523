#!/usr/bin/env python
"""Django's commands; the embedded database and broker run while one that needs them does."""

import os
import sys

try:
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from config.local.command import surroundings
    from config.local.errors import CannotStart
    from config.local.reach import check_database
except ModuleNotFoundError as error:
    if error.name not in {"django", "celery", "psutil", "psycopg"}:
        raise
    sys.exit(f"{error.name} is not installed for this Python: run `make setup`, then use .venv/bin/python manage.py.")


def main() -> int:
    arguments = sys.argv[1:]
    try:
        with surroundings(arguments):
            if arguments and arguments[0] not in {"help", "version"} and not arguments[0].startswith("-"):
                # Django swallows a wrong setting until a command trips over it.
                _ = settings.INSTALLED_APPS
            try:
                execute_from_command_line(sys.argv)
            except OperationalError:
                # One sentence if the database cannot be reached at all; anything else is a bug and shows itself.
                check_database(os.environ["DATABASE_URL"])
                raise
    except (CannotStart, ImproperlyConfigured) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
