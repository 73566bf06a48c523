"""The process that owns one embedded server for as long as anybody uses it.

Who needs the server holds a shared lock on a file; the keeper stops the server when it gets that lock for itself. The
kernel lets go of a lock when its holder dies, however it dies, so no server outlives its users and none is stopped
under them.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

from config.local.errors import CannotStart
from config.local.postgres import last_line
from config.local.processes import (
    end_sessions,
    handling,
    identity,
    lock_soon,
    read_json,
    start,
    try_lock,
    until,
    write_json,
)
from config.local.service import Service

PATIENCE = 60.0  # how long a server may take to answer: it may have a log to replay
LONGEST_LOG = 5_000_000
LONGEST_PAUSE = 5.0  # between two starts of a server that keeps dying


class Keeper:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.asked_to_stop = False
        self.process: subprocess.Popen | None = None
        self.locks: list[IO[str]] = []  # held until this process ends

    def run(self) -> int:
        """Start the server, keep it running while somebody uses it, stop it; return the exit code."""
        ours = lock_soon(self.service.keeper_lock)
        if ours is None:
            return 0
        self.locks.append(ours)
        with handling([signal.SIGTERM, signal.SIGINT], self._stop):
            try:
                self.service.state.unlink(missing_ok=True)
                self._start_after_a_kill()
                write_json(self.service.state, {"state": "ready", "keeper": identity(os.getpid())})
                return self._keep()
            except CannotStart as error:
                write_json(
                    self.service.state, {"state": "failed", "keeper": identity(os.getpid()), "reason": str(error)}
                )
                return 1
            finally:
                self._end()

    def _stop(self, *_: object) -> None:
        self.asked_to_stop = True

    @property
    def _record(self) -> Path:
        """Return the file that names the server, for whoever comes after a killed keeper."""
        return self.service.state.with_suffix(".child")

    def _start_after_a_kill(self) -> None:
        """Start the server; what a killed one left (its memory, its own children) may need a moment to go."""
        for pause in (0.5, 2.0):
            try:
                return self._start()
            except CannotStart:
                if self.process is None or self.asked_to_stop:
                    raise
                time.sleep(pause)
        return self._start()

    def _start(self) -> None:
        if left := read_json(self._record, None):
            end_sessions([left], patience=20, end_signal=self.service.end_signal)
        self.service.prepare()
        if self.service.log.exists() and self.service.log.stat().st_size > LONGEST_LOG:
            self.service.log.replace(self.service.log.with_suffix(".old.log"))
        command, options = self.service.command()
        with self.service.log.open("ab") as log:
            began = log.tell()
            # It ends with us, so even a killed keeper leaves no server behind.
            self.process = start(command, end_signal=self.service.end_signal, stdout=log, stderr=log, **options)
        write_json(self._record, identity(self.process.pid))
        answered = until(
            lambda: self.process.poll() is not None or self.service.answers() or self.asked_to_stop, seconds=PATIENCE
        )
        if self.process.poll() is not None or not answered:
            with self.service.log.open("rb") as log:
                log.seek(began)
                reason = last_line(log.read()[-4000:].decode(errors="replace"))
            raise CannotStart(f"The embedded {self.service.name} did not start: {reason} (see {self.service.log})")
        self.service.open()

    def _keep(self) -> int:
        """Watch the server until nobody uses it; start it again if it dies."""
        pause = 0.2
        while not self.asked_to_stop:
            # Ours until we end, so whoever comes meanwhile waits and then starts a keeper of his own.
            if nobody := try_lock(self.service.users_lock):
                self.locks.append(nobody)
                return 0
            if self.process.poll() is None:
                time.sleep(0.1)
                continue
            time.sleep(pause)
            try:
                self._start()
                pause = 0.2
            except CannotStart:
                self._end()
                pause = min(2 * pause, LONGEST_PAUSE)
        return 0

    def _end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.service.end_signal)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process is not None:
            self._record.unlink(missing_ok=True)
