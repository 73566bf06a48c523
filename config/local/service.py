"""What the embedded database and the embedded broker have in common."""

import hashlib
import os
import signal
import stat
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from config.local.errors import CannotStart
from config.local.profile import make_folder

# A Unix socket's address is cut at 104 (macOS) or 108 bytes (Linux).
LONGEST_SOCKET_ADDRESS = 100


@dataclass(frozen=True)
class Service(ABC):
    """A server of our own under one data folder; `durable` is false for tests, which may lose everything."""

    folder: Path
    durable: bool = True

    name: ClassVar[str]
    variable: ClassVar[str]  # the environment variable whose being set switches it off
    socket_name: ClassVar[str]
    noise: ClassVar[str | None] = None  # marks a line of its log that tells a newcomer nothing
    end_signal: ClassVar[signal.Signals] = signal.SIGTERM

    @property
    def data(self) -> Path:
        return self.folder / self.name

    @property
    def log(self) -> Path:
        return self.folder / "log" / f"{self.name}.log"

    @property
    def users_lock(self) -> Path:
        """Return the file that every process needing this service locks in common."""
        return self.folder / "run" / f"{self.name}.users"

    @property
    def keeper_lock(self) -> Path:
        """Return the file that the one process owning this service locks for itself."""
        return self.folder / "run" / f"{self.name}.keeper"

    @property
    def state(self) -> Path:
        return self.folder / "run" / f"{self.name}.json"

    @property
    def socket_folder(self) -> Path:
        """Return where the socket lies: under the data folder, or in a short one if that makes the address too long."""
        near = self.folder / "run" / self.name
        if len(os.fsencode(near / self.socket_name)) <= LONGEST_SOCKET_ADDRESS:
            return near
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:10]
        # Every process must find the same folder whatever its TMPDIR says.
        return Path(f"/tmp/matchmaking-{os.geteuid()}-{digest}") / self.name  # noqa: S108

    @property
    def socket(self) -> Path:
        return self.socket_folder / self.socket_name

    def make_folders(self) -> None:
        """Make the folders for locks, logs and the socket.

        :raises CannotStart: if one cannot be made, or the short one belongs to somebody else
        """
        make_folder(self.folder)
        for folder in (self.folder / "run", self.folder / "log"):
            make_folder(folder)
        parent = make_folder(self.socket_folder.parent)
        found = parent.lstat()
        if found.st_uid != os.geteuid() or stat.S_ISLNK(found.st_mode):
            raise CannotStart(f"The socket folder {parent} belongs to somebody else: remove it or choose a DATA_DIR.")
        make_folder(self.socket_folder)

    @property
    @abstractmethod
    def url(self) -> str:
        """Return the address that goes into the environment."""

    @abstractmethod
    def prepare(self) -> None:
        """Make what the server needs before it starts, and remove what a killed one left."""

    @abstractmethod
    def command(self) -> tuple[Sequence[str | Path], dict[str, Any]]:
        """Return the server's command line and how to start it."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server takes requests."""

    @abstractmethod
    def open(self) -> None:
        """Do what can only be done once the server answers."""
