"""The local profile: what a newcomer's machine needs so that nobody has to set anything."""

import os
import secrets
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from config.local.errors import CannotStart

ROOT = Path(__file__).resolve().parents[2]
HEADER = """\
# Written once by `make setup` for this machine only: plain http on loopback, a secret of its own.
# The environment wins over every line. Without this file production rules hold.
"""


def data_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder that holds everything this installation keeps: DATA_DIR, else `.data` beside the code."""
    return Path(environ.get("DATA_DIR") or ROOT / ".data").absolute()


def make_folder(folder: Path, *, mode: int = 0o700) -> Path:
    """Make a folder that is ours, and say in a sentence why it cannot be made.

    :raises CannotStart: if it cannot
    """
    try:
        folder.mkdir(mode=mode, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"DATA_DIR cannot be used: {folder}: {error.strerror or error}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CannotStart(f"DATA_DIR cannot be used: nothing may be written to {folder}.")
    return folder


def write_profile(folder: Path) -> Path:
    """Write the profile into the data folder, unless it is there: its secret signs what people already hold."""
    path = make_folder(folder) / "profile.env"
    lines = [
        f"SECRET_KEY={secrets.token_urlsafe(64)}",
        "LOCAL_PROFILE=1",
        "ALLOWED_HOSTS=localhost,127.0.0.1,[::1]",
    ]
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.touch(mode=0o600)
    fresh.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    try:
        # A link appears whole or not at all, and never replaces the profile of another process.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    return path


def read_profile(folder: Path) -> dict[str, str]:
    """Return what the profile says, or nothing if there is none.

    :raises CannotStart: if a line of it is no NAME=value
    """
    path = folder / "profile.env"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CannotStart(f"The local profile {path} cannot be read: {error.strerror or error}.") from error
    values = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise CannotStart(f"Line {number} of {path} is not NAME=value.")
        values[name.strip()] = value.strip()
    return values


def load_profile(environ: MutableMapping[str, str]) -> None:
    """Add what the profile says to the environment, which wins wherever both speak."""
    for name, value in read_profile(data_folder(environ)).items():
        environ.setdefault(name, value)


def is_local(environ: Mapping[str, str]) -> bool:
    """Return whether the embedded services may stand in for a URL that is not set."""
    return environ.get("LOCAL_PROFILE", "").strip().lower() in {"1", "true", "yes", "on"}
