"""Read the hand-written lexicon: words of one meaning in Chinese and English, in sections of one kind."""

from dataclasses import dataclass
from pathlib import Path


class LexiconUnreadable(ValueError):  # noqa: N818 - named for the fact
    """A line of the lexicon is not as its README says; the message names file and line."""


@dataclass(frozen=True)
class Entry:
    """Names of one meaning; ``section`` is the kind of thing they name."""

    chinese: tuple[str, ...]
    english: tuple[str, ...]
    section: str


def read_lexicon(folder: Path) -> list[Entry]:
    """Return the entries of all files of the folder, in the order of files and lines.

    :raises LexiconUnreadable: if a line lacks Chinese or English names
    """
    entries = []
    for path in sorted(folder.glob("*.tsv")):
        section = path.stem
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if line.startswith("#"):
                section = f"{path.stem}: {line.strip('# ')}"
            elif line.strip():
                columns = [tuple(name.strip() for name in column.split(";")) for column in line.split("\t")]
                if len(columns) != 2 or not all(name for column in columns for name in column):
                    raise LexiconUnreadable(f"{path}, line {number}: Chinese names, a tab, English names are needed")
                entries.append(Entry(*columns, section))
    return entries
