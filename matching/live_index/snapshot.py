"""The index on disk: written whole or not at all, and believed only if every byte is as it was written."""

import fcntl
import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

import matching.retrieval
from matching.live_index.sequences import Sequences
from matching.retrieval.arrays import load_arrays, save_arrays
from matching.retrieval.candidate_table import CandidateTable
from matching.retrieval.keyword import KeywordIndex
from matching.retrieval.milvus_index import MilvusIndex
from matching.retrieval.tokens import cut
from matching.retrieval.vector_index import VectorIndex

log = logging.getLogger(__name__)
MANIFEST = "manifest.json"
PARTS = ("vectors", "keywords", "table")


class NormalFormIndex(KeywordIndex):
    """Holds texts that are in their normal form already, and is asked in it."""

    cut = staticmethod(cut)


@dataclass(frozen=True)
class Parts:
    """What a snapshot holds: the three parts over the same slots, what was read, and up to which number."""

    vectors: VectorIndex | MilvusIndex
    keywords: NormalFormIndex
    table: CandidateTable
    sequences: Sequences
    last: int


def save(parts: Parts, home: Path) -> str:
    """Write a snapshot beside the present one, put it in its place, and return its name."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        # One writer at a time: each sweeps away what the others left.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _write(parts, home)


def _write(parts: Parts, home: Path) -> str:
    folder = Path(tempfile.mkdtemp(prefix="snapshot-", dir=home))
    for name in PARTS:
        getattr(parts, name).save(folder / name)
    ids, numbers = parts.sequences.arrays()
    save_arrays(folder / "sequences", {"ids": ids, "numbers": numbers, "last": np.array([parts.last])})
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    manifest = {"code": code_version(), "files": {str(path.relative_to(folder)): _digest(path) for path in files}}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    # One rename makes it the present one: who reads sees the old snapshot or the new one.
    pointer = home / f"{folder.name}.pointer"
    pointer.write_text(folder.name, encoding="utf-8")
    pointer.replace(home / "present")
    for old in home.glob("snapshot-*"):
        # Who has mapped its files keeps them until it lets them go.
        if old != folder and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
    return folder.name


def present(home: Path) -> str:
    """Return the name of the present snapshot, "" where there is none."""
    try:
        return (home / "present").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def is_there(home: Path) -> bool:
    """Return whether a snapshot of this program's version is there, sound or not."""
    try:
        folder = home / (home / "present").read_text(encoding="utf-8").strip()
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["code"] == code_version()
    except (OSError, ValueError, KeyError):
        return False


def load(home: Path, *, vectors: Callable[[Path], VectorIndex | MilvusIndex] = VectorIndex.load) -> Parts | None:
    """Return the parts of the present snapshot, or None where there is no sound one.

    :param vectors: how the engine in use loads its part
    """
    try:
        folder = home / (home / "present").read_text(encoding="utf-8").strip()
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["code"] != code_version():
            log.info("The index snapshot was written by another version of the program; building from rows.")
            return None
        if broken := [name for name, digest in manifest["files"].items() if _digest(folder / name) != digest]:
            log.warning("The index snapshot is damaged (%s); building from rows.", ", ".join(broken))
            return None
        sequences = load_arrays(folder / "sequences")
        return Parts(
            vectors(folder / "vectors"),
            NormalFormIndex.load(folder / "keywords"),
            CandidateTable.load(folder / "table"),
            Sequences(sequences["ids"], sequences["numbers"]),
            int(sequences["last"][0]),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        log.warning("The index snapshot cannot be read (%s); building from rows.", error)
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def code_version() -> str:
    """Return a digest of the code that writes the parts: what it wrote, only it can read."""
    digest = hashlib.sha256()
    for path in sorted(Path(matching.retrieval.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
