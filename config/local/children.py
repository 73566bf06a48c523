"""The processes under the supervisor."""

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from config.local.logs import Lines, Log, Tail
from config.local.processes import end_sessions, identity, read_json, start, write_json
from config.local.profile import ROOT

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# After so long a life a death is an accident, not the next of a row.
HEALTHY_AFTER = 60.0


@dataclass
class Child:
    """A program, its process while it lives, and when to start it again."""

    name: str
    command: Sequence[str | Path]
    process: subprocess.Popen | None = None
    lines: Lines | None = None
    who: dict[str, float] = field(default_factory=dict)
    began: float = 0.0
    starts: int = 0
    pause: float = FIRST_PAUSE
    due: float = 0.0


class Children:
    """All of them: their output, their deaths, and the file that names them for whoever comes after a `kill -9`."""

    def __init__(self, *, record: Path, log: Log, environ: Mapping[str, str]) -> None:
        self.record = record
        self.log = log
        self.environ = environ
        self.all: list[Child] = []
        self.tails: list[Tail] = []
        self.selector = selectors.DefaultSelector()

    def sweep(self) -> None:
        """End what a killed supervisor left behind."""
        left = read_json(self.record, [])
        if left:
            end_sessions(left, patience=10)
        self.record.unlink(missing_ok=True)

    def start(self, child: Child) -> None:
        """Start this child now and keep an eye on it from here on."""
        if child not in self.all:
            self.all.append(child)
        child.process = start(
            child.command, cwd=ROOT, env=dict(self.environ), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        child.who, child.began = identity(child.process.pid), time.monotonic()
        child.starts += 1
        child.lines = Lines(self.log, child.name)
        os.set_blocking(child.process.stdout.fileno(), False)
        self.selector.register(child.process.stdout, selectors.EVENT_READ, child)
        self._write_record()

    def pump(self, seconds: float) -> None:
        """Pass on what they write, for so long at most if they write nothing; and what is added to the log files."""
        for tail in self.tails:
            tail.pump()
        if not self.selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self.selector.select(seconds):
            try:
                written = os.read(key.fileobj.fileno(), 65536)
            except BlockingIOError:
                continue
            if written:
                key.data.lines.feed(written)
            else:
                self.selector.unregister(key.fileobj)

    def forget(self, child: Child) -> int:
        """Close the books on a child that ended, and end whatever it left in its session; return its exit code."""
        code = child.process.wait()
        end_sessions([child.who], patience=1)
        with contextlib.suppress(KeyError):
            self.selector.unregister(child.process.stdout)
        with contextlib.suppress(BlockingIOError):
            while written := os.read(child.process.stdout.fileno(), 65536):
                child.lines.feed(written)
        child.lines.end()
        child.process.stdout.close()
        child.process = None
        self._write_record()
        return code

    def run(self, child: Child, *, stop_asked: Callable[[], bool]) -> int | None:
        """Run a child to its end; return its exit code, or None if we were asked to stop meanwhile."""
        self.start(child)
        while child.process.poll() is None and not stop_asked():
            self.pump(0.1)
        if stopped := child.process.poll() is None:
            end_sessions([child.who], patience=10)
        self.all.remove(child)
        code = self.forget(child)
        return None if stopped else code

    def revive(self) -> list[Child]:
        """Start those again that died, each after a pause that grows while it keeps dying; return the newly dead."""
        died = []
        now = time.monotonic()
        for child in self.all:
            if child.process is None:
                if now >= child.due:
                    self.start(child)
            elif child.process.poll() is not None:
                if now - child.began > HEALTHY_AFTER:
                    child.pause = FIRST_PAUSE
                code = self.forget(child)
                self.log.line("start", f"{child.name} ended with {code}; starts again in {child.pause:g} s")
                child.due, child.pause = now + child.pause, min(2 * child.pause, LONGEST_PAUSE)
                died.append(child)
        return died

    def end(self, *, patience: float, hurry: Callable[[], bool]) -> None:
        """Ask them to end, the latest first, and kill after a while, or at once when hurried."""
        living = [child for child in reversed(self.all) if child.process is not None]
        for child in living:
            if child.process.poll() is None:
                child.process.terminate()
        deadline = time.monotonic() + patience
        while any(child.process.poll() is None for child in living) and time.monotonic() < deadline and not hurry():
            self.pump(0.1)
        for child in living:
            end_sessions([child.who], patience=0)
            code = self.forget(child)
            self.log.line("start", f"{child.name} ended" + ("" if code in {0, -15} else f" with {code}"))
        self.record.unlink(missing_ok=True)

    def _write_record(self) -> None:
        write_json(self.record, [child.who for child in self.all if child.process is not None])
