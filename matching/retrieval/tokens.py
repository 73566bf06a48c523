"""Cut a text into the tokens that the keyword leg counts."""

import re

from marketplace.parsing.normal_form import normalise

# A code keeps its inner signs (gb/t12237, m8x1.25, cas67-64-1, 99.5%); Chinese runs have no spaces to cut at.
_RUN = re.compile(
    r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+|[^\W_\u3400-\u9fff]+(?:[./+%°:-]+[^\W_\u3400-\u9fff]+)*%?"
)
_PARTS = re.compile(r"[./+%°:-]+")


def tokenise(text: str) -> list[str]:
    """Return Chinese characters and pairs of neighbours, stemmed words, and codes in their one normal form.

    Single characters carry what no dictionary knows, pairs carry the words; together they measured better on goods
    names than either alone, and need no word list.

    >>> tokenise("304齿面淬硬 DN 50")
    ['304', '齿', '齿面', '面', '面淬', '淬', '淬硬', '硬', 'dn50']
    >>> tokenise("球阀 semi-integrated")
    ['球', '阀', 'semi', 'integrated', 'ballvalve', 'valve']
    """
    return cut(normalise(text))


def cut(normal: str) -> list[str]:
    """Return the tokens of a text that is in its normal form already: finding that costs more than all the rest."""
    tokens: list[str] = []
    for run in _RUN.findall(normal):
        if run[0] >= "\u3400" and not run[0].isascii() and run[0] <= "\ufaff":
            for place, character in enumerate(run):
                tokens.append(character)
                tokens.extend([run[place : place + 2]] if place + 1 < len(run) else [])
        elif any(character.isdigit() for character in run):
            tokens.append(run)
        else:
            tokens.extend(stem(word) for word in _PARTS.split(run) if word)
    return tokens


def stem(word: str) -> str:
    """Return an English word without its plural ending (Harman's S-stemmer, which seldom joins what differs).

    >>> [stem(word) for word in ("valves", "batteries", "glass", "gas", "axes")]
    ['valve', 'battery', 'glass', 'gas', 'axe']
    """
    if len(word) > 4 and word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    if len(word) > 3 and word.endswith("s") and word[-2] not in "us":
        return word[:-1]
    return word
