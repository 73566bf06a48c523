"""Whether what the environment names can be reached, answered in a sentence before anything is started."""

import errno
import socket
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import psycopg

from config.local.errors import CannotStart

TIMEOUT = 5
BROKER_PORTS = {
    "redis": 6379,
    "rediss": 6379,
    "valkey": 6379,
    "valkeys": 6379,
    "amqp": 5672,
    "pyamqp": 5672,
    "amqps": 5671,
}


def check_database(url: str) -> None:
    """Connect once to the database that DATABASE_URL names.

    :raises CannotStart: if that fails
    """
    parts = urlsplit(url)
    if not parts.scheme.startswith(("postgres", "psql", "pgsql")):
        return  # the settings say what is wrong with it
    try:
        psycopg.connect(client_address(url), connect_timeout=TIMEOUT).close()
    except psycopg.Error as error:
        where = f"{unquote(parts.netloc.rpartition('@')[2])}{parts.path}"
        lines = [line.strip(" -\t") for line in str(error).splitlines() if line.strip()]
        # Around the reason the client puts advice and a list of all it tried.
        reason = next(
            (line for line in reversed(lines) if "failed: " in line), lines[0] if lines else "no reason given"
        )
        raise CannotStart(f"The database {where} that DATABASE_URL names cannot be reached: {reason}") from error


def client_address(url: str) -> str:
    """Return DATABASE_URL as PostgreSQL's own client reads it: what Django adds (`conn_max_age`, say) means nothing there."""
    parts = urlsplit(url)
    known = [pair for pair in parse_qsl(parts.query) if pair[0].startswith("ssl") or pair[0] in {"host", "port"}]
    return parts._replace(scheme="postgresql", query=urlencode(known)).geturl()


def check_broker(url: str) -> None:
    """Connect once to the broker that CELERY_BROKER_URL names, where its kind is known.

    :raises CannotStart: if that fails
    """
    reasons = []
    for address in url.split(";"):
        parts = urlsplit(address)
        try:
            if parts.scheme == "redis+socket":
                with socket.socket(socket.AF_UNIX) as asking:
                    asking.settimeout(TIMEOUT)
                    asking.connect(unquote(parts.path))
            elif port := BROKER_PORTS.get(parts.scheme):
                socket.create_connection((parts.hostname or "localhost", parts.port or port), timeout=TIMEOUT).close()
        except (OSError, ValueError) as error:
            where = f"{parts.hostname or parts.path}{f':{parts.port}' if parts.hostname and parts.port else ''}"
            reasons.append(f"The broker {where} that CELERY_BROKER_URL names cannot be reached: {error}")
        else:
            return  # one of several is enough
    raise CannotStart(reasons[0])


def port_of(environ: Mapping[str, str]) -> int:
    """Return the number PORT names, 8000 if it names none.

    :raises CannotStart: if it is no port
    """
    said = environ.get("PORT", "").strip() or "8000"
    if not said.isascii() or not said.isdigit() or not 0 < int(said) < 65536:
        raise CannotStart(f"PORT must be a number from 1 to 65535, not {said!r}.")
    return int(said)


def check_port(host: str, port: int) -> None:
    """Take the port once and give it back.

    :raises CannotStart: if another program has it, or we may not have it
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as taking:
        # As the server does, so that connections still closing since the last run do not count.
        taking.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taking.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(
                    f"Port {port} is taken by another program: free it, or choose one: PORT={port + 1} make run"
                ) from error
            raise CannotStart(f"The server cannot listen on {host}:{port}: {error.strerror or error}.") from error
