"""Processes and locks that survive the death of whoever made them."""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

PR_SET_PDEATHSIG = 1


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """Return what a child must run before it becomes its program, so that Linux ends it with its parent."""
    if not sys.platform.startswith("linux"):
        return None
    parent, libc = os.getpid(), ctypes.CDLL(None)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


def start(
    command: Sequence[str | Path], *, end_signal: signal.Signals = signal.SIGTERM, **options: Any
) -> subprocess.Popen:
    """Start a child in a session of its own, so that Ctrl-C reaches only us, and that dies when we do."""
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        # Our callers have one thread, so running Python between fork and exec is safe.
        preexec_fn=die_with_parent(end_signal),  # noqa: PLW1509
        **options,
    )


def identity(pid: int) -> dict[str, float]:
    """Return what tells this process from a later one with the same number."""
    try:
        return {"pid": pid, "created": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess:
        return {"pid": pid, "created": 0.0}


def session_of(child: dict[str, float]) -> list[psutil.Process]:
    """Return the living processes of a child's session, itself first, even if it is dead and its own children live."""
    pid, created = int(child["pid"]), child["created"]
    with contextlib.suppress(psutil.NoSuchProcess):
        if abs(psutil.Process(pid).create_time() - created) > 1:
            return []  # the number was given to somebody else
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            ours = process.pid == pid or os.getsid(process.pid) == pid
            if ours and process.create_time() >= created - 1 and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
    return sorted(members, key=lambda process: (process.pid != pid, process.pid))


def end_sessions(
    children: Sequence[dict[str, float]], *, patience: float, end_signal: signal.Signals = signal.SIGTERM
) -> None:
    """Ask each child to end, wait, then kill whatever of their sessions is left."""
    for child in children:
        for process in session_of(child)[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(end_signal)
    deadline = time.monotonic() + patience
    left = [process for child in children for process in session_of(child)]
    while left and time.monotonic() < deadline:
        psutil.wait_procs(left, timeout=min(0.2, max(0.0, deadline - time.monotonic())))
        left = [process for child in children for process in session_of(child)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=5)


def write_json(path: Path, content: Any) -> None:
    """Write a file that is whole whenever it is read."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(json.dumps(content), encoding="utf-8")
    fresh.replace(path)


def read_json(path: Path, default: Any) -> Any:
    """Return what a file says, or the default if it is not there or was cut short."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return default


def try_lock(path: Path, *, shared: bool = False) -> IO[str] | None:
    """Return the locked file, or None if somebody has it; the kernel lets go of it when we die, however we die."""
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def lock_soon(path: Path, *, seconds: float = 0.5) -> IO[str] | None:
    """Return the locked file, or None if somebody keeps it: looking whether a lock is held takes it for a moment."""
    deadline = time.monotonic() + seconds
    while (lock := try_lock(path)) is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return lock


def is_locked(path: Path) -> bool:
    """Return whether a living process holds this lock."""
    file = try_lock(path, shared=True)
    if file is None:
        return True
    file.close()
    return False


def until(happened: Callable[[], bool], *, seconds: float, every: float = 0.05) -> bool:
    """Wait until something happened, at most so long; return whether it did."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


@contextlib.contextmanager
def handling(numbers: Sequence[signal.Signals], handler: Callable[..., None]) -> Iterator[None]:
    """Answer these signals with a handler while the block runs."""
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
