"""What is wrong with a file, or with a row of it, in both languages."""

from typing import NamedTuple


class Problem(NamedTuple):
    """A row that cannot be taken: its line in the file (the heading is 1), under which heading, and why."""

    line: int
    field: str
    reason: str
    zh: str
    en: str

    def as_dict(self) -> dict[str, object]:
        return self._asdict()


class FileRefused(ValueError):  # noqa: N818 - named for the fact
    """The file as a whole cannot be read; nothing of it is taken."""

    def __init__(self, reason: str, zh: str, en: str, *, field: str = "") -> None:
        super().__init__(en)
        self.problem = Problem(0, field, reason, zh, en)


class ValueRefused(ValueError):  # noqa: N818 - named for the fact
    """One value of a row cannot be taken; ``field`` where it is another than the one being read."""

    def __init__(self, reason: str, zh: str, en: str, *, field: str = "") -> None:
        super().__init__(en)
        self.reason, self.zh, self.en, self.field = reason, zh, en, field
