"""What our own rules say when they refuse."""

import re


class RuleBroken(Exception):  # noqa: N818 - named for the fact, as all its children are
    """Someone asked for what a rule forbids; ``str(error)`` is fit to show them."""

    @property
    def code(self) -> str:
        """Return the class name in snake case: ``ListingAlreadyClosed`` is ``listing_already_closed``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class InputRefused(RuleBroken):
    """Input that a service could not take; ``errors`` maps each field to its messages."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{field}: {' '.join(map(str, messages))}" for field, messages in errors.items()))
