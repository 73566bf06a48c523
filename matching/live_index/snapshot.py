"""The index on disk: written whole or not at all, and believed only if every byte is as it was written."""

import fcntl
import hashlib
import json
import logging
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import matching.retrieval
from matching.retrieval.candidate_table import CandidateTable
from matching.retrieval.keyword import KeywordIndex
from matching.retrieval.tokens import cut
from matching.retrieval.vector_index import VectorIndex

if TYPE_CHECKING:
    from matching.live_index.index import LiveIndex

log = logging.getLogger(__name__)
MANIFEST = "manifest.json"


class NormalFormIndex(KeywordIndex):
    """Holds texts that are in their normal form already, and is asked in it."""

    cut = staticmethod(cut)


Parts = tuple[VectorIndex, NormalFormIndex, CandidateTable, dict[int, int]]


def save(index: "LiveIndex") -> None:
    """Write a snapshot beside the present one, then put it in its place."""
    index.folder.mkdir(parents=True, exist_ok=True)
    with (index.folder / "lock").open("w") as lock:
        # One writer at a time: each sweeps away what the others left.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _write(index, index.folder)


def _write(index: "LiveIndex", home: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="snapshot-", dir=home))
    index.vectors.save(folder / "vectors.npz")
    index.keywords.save(folder / "keywords.npz")
    index.table.save(folder)
    sequences = np.array(sorted(index.sequences.items()), dtype=np.int64).reshape(-1, 2)
    np.save(folder / "sequences.npy", sequences)
    manifest = {"code": code_version(), "files": {path.name: _digest(path) for path in sorted(folder.iterdir())}}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    # One rename makes it the present one: who reads sees the old snapshot or the new one.
    pointer = home / f"{folder.name}.pointer"
    pointer.write_text(folder.name, encoding="utf-8")
    pointer.replace(home / "present")
    for old in home.glob("snapshot-*"):
        if old != folder and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)


def is_there(home: Path) -> bool:
    """Return whether a snapshot of this program's version is there, sound or not."""
    try:
        folder = home / (home / "present").read_text(encoding="utf-8").strip()
        return json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["code"] == code_version()
    except (OSError, ValueError, KeyError):
        return False


def load(home: Path) -> Parts | None:
    """Return the parts of the present snapshot, or None where there is no sound one."""
    try:
        folder = home / (home / "present").read_text(encoding="utf-8").strip()
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["code"] != code_version():
            log.info("The index snapshot was written by another version of the program; building from rows.")
            return None
        if broken := [name for name, digest in manifest["files"].items() if _digest(folder / name) != digest]:
            log.warning("The index snapshot is damaged (%s); building from rows.", ", ".join(broken))
            return None
        sequences = {int(pk): int(number) for pk, number in np.load(folder / "sequences.npy", allow_pickle=False)}
        return (
            VectorIndex.load(folder / "vectors.npz"),
            NormalFormIndex.load(folder / "keywords.npz"),
            CandidateTable.load(folder),
            sequences,
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
