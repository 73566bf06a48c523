"""Arrays in a folder, one file each, which all processes that read them share."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np


def save_arrays(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write each array to a file of its name in this folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def load_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of this folder by name, read-only and memory-mapped.

    The system keeps one copy of the pages for all processes, and reads only those that are looked at.
    """
    arrays = {}
    for path in sorted(folder.glob("*.npy")):
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)
        # A plain view: each slice of a memmap would be a memmap again, which costs microseconds.
        arrays[path.stem] = mapped.view(np.ndarray)
    return arrays
