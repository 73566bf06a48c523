"""What was done at an earlier start, so that the next one need not do it again: a Django process costs seconds."""

import hashlib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import psycopg

from config.local.profile import ROOT
from config.local.reach import client_address


class Stamp:
    """A file that remembers for which state of the world something was done."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def says(self, state: str) -> bool:
        """Return whether it was done for this state; an unknown state was never done."""
        return bool(state) and self.path.exists() and self.path.read_text(encoding="ascii") == state

    def write(self, state: str) -> None:
        self.path.write_text(state, encoding="ascii")


def static_state() -> str:
    """Return what changes when a static file of ours, or a package that brings some, changes."""
    return _digest([*ROOT.glob("static/**/*"), *ROOT.glob("*/static/**/*")])


def schema_state(url: str) -> str:
    """Return what changes when there is another migration to apply, or when the database is not as we left it."""
    try:
        with psycopg.connect(client_address(url), connect_timeout=5) as rows:
            applied = rows.execute("select count(*), max(id), max(applied)::text from django_migrations").fetchone()
    except psycopg.Error:
        return ""
    return f"{_digest(ROOT.glob('*/migrations/*.py'))} {applied}"


def cluster_state(folder: Path) -> str:
    """Return what tells our own database from one that is made later in the same place."""
    born = (folder / "postgres" / "PG_VERSION").stat()
    return f"{born.st_ino} {born.st_mtime_ns}"


def _digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        # What was collected earlier lies under `.data/static`, unless DATA_DIR says otherwise.
        if path.is_file() and not path.relative_to(ROOT).parts[0].startswith("."):
            digest.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}\n".encode())
    digest.update("\n".join(sorted(f"{found.name} {found.version}" for found in metadata.distributions())).encode())
    return digest.hexdigest()
