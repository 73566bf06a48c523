"""Which goods a building project's list of equipment names."""

import re

from marketplace.parsing.catalogue import Catalogue
from marketplace.parsing.category import rank_categories
from marketplace.parsing.folding import fold
from marketplace.parsing.normal_form import find_codes

# A list is cut where one thing ends and the next begins; a comma within a number is none of these places.
_ITEM = re.compile(r"[、，；;。\n|]|,(?!\d{3}(?!\d))|(?<![a-z])(?:and|with)(?![a-z])|[以]?及|和(?!田)", re.IGNORECASE)
LEAST_CONFIDENCE = 0.35
MOST_ITEMS = 60


def equipment_categories(text: str, catalogue: Catalogue) -> list[str]:
    """Return the codes of the categories that the items of the list speak of, in order, each once.

    >>> from marketplace.parsing.catalogue import CategorySpec
    >>> valve = CategorySpec("valve", None, "product", "阀门", "Valve", ("阀",), ("valve",))
    >>> ball = CategorySpec("valve.ball", "valve", "product", "球阀", "Ball valve", (), ("ball valve",))
    >>> equipment_categories("304 球阀 200 台、配电柜; valves", Catalogue([valve, ball]))
    ['valve.ball', 'valve']
    """
    found: dict[str, None] = {}
    for item in [part.strip() for part in _ITEM.split(text) if part.strip()][:MOST_ITEMS]:
        folded = fold(item)
        for guess in rank_categories(folded, find_codes(folded), catalogue, limit=1):
            if guess.confidence >= LEAST_CONFIDENCE:
                found.setdefault(guess.code)
    return list(found)
