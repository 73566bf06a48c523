"""One terminal for many processes: every line says whose it is."""

import os
import sys
from pathlib import Path
from typing import BinaryIO, TextIO

WIDTH = 8
COLOURS = {"start": 1, "postgres": 34, "valkey": 35, "web": 32, "worker": 33, "beat": 36, "listen": 96}


class Log:
    def __init__(self, out: TextIO = sys.stdout) -> None:
        self.out = out
        self.coloured = out.isatty() and "NO_COLOR" not in os.environ

    def line(self, name: str, text: str) -> None:
        """Print one line of a process."""
        prefix = f"{name:<{WIDTH}} |"
        if self.coloured:
            prefix = f"\x1b[{COLOURS.get(name, 37)}m{prefix}\x1b[0m"
        try:
            self.out.write(f"{prefix} {text}\n")
            self.out.flush()
        except (BrokenPipeError, ValueError):
            pass  # nobody reads any more; the processes matter more than their words

    def block(self, text: str) -> None:
        """Print something for the reader himself."""
        for line in text.splitlines():
            try:
                self.out.write(f"{line}\n")
            except (BrokenPipeError, ValueError):
                return
        self.out.flush()


class Lines:
    """Cuts what a process writes into whole lines."""

    def __init__(self, log: Log, name: str, *, noise: str | None = None) -> None:
        self.log = log
        self.name = name
        self.noise = noise
        self.rest = b""

    def feed(self, written: bytes) -> None:
        *whole, self.rest = (self.rest + written).split(b"\n")
        for line in whole:
            text = line.decode("utf-8", errors="replace").rstrip()
            if text and (self.noise is None or self.noise not in text):
                self.log.line(self.name, text)

    def end(self) -> None:
        self.feed(b"\n")


class Tail:
    """Prints what is added to a log file from now on."""

    def __init__(self, log: Log, name: str, path: Path, *, noise: str | None = None) -> None:
        self.lines = Lines(log, name, noise=noise)
        self.path = path
        self.file: BinaryIO | None = None
        if path.exists():
            self.file = path.open("rb")
            self.file.seek(0, os.SEEK_END)

    def pump(self) -> None:
        if self.file is None and self.path.exists():
            self.file = self.path.open("rb")
        if self.file is not None:
            self.lines.feed(self.file.read())

    def close(self) -> None:
        self.pump()
        if self.file is not None:
            self.file.close()
