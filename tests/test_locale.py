"""Keeps the promise that everything exists in both languages."""

import io
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
CHINESE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES"
APPS = ("config", "marketplace", "matching", "finance", "seeds")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")


def source_texts():
    """Return the English texts that code and templates mark for translation, each with a file that has it."""
    texts = {}
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            with path.open("rb") as file:
                for _, message, _, context in extract("python", file, keywords=KEYWORDS):
                    texts[(context, message if isinstance(message, str) else message[0])] = path
    for path in (ROOT / "templates").rglob("*.*"):
        code = templatize(path.read_text(encoding="utf-8"), origin=str(path)).encode()
        for _, message, _, context in extract("python", io.BytesIO(code), keywords=KEYWORDS):
            texts[(context, message if isinstance(message, str) else message[0])] = path
    return texts


@pytest.fixture(scope="module")
def chinese():
    with (CHINESE / "django.po").open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans")
    return {_key(message): message for message in catalogue if message.id}


def test_every_text_is_translated(chinese):
    missing = {
        text: path.relative_to(ROOT).as_posix()
        for (context, text), path in source_texts().items()
        if (context, text) not in chinese or not all(_strings(chinese[context, text]))
    }

    assert missing == {}


def test_no_translation_is_a_guess_or_loses_a_placeholder(chinese):
    wrong = [
        key
        for key, message in chinese.items()
        if message.fuzzy
        or any(sorted(PLACEHOLDER.findall(key[1])) != sorted(PLACEHOLDER.findall(text)) for text in _strings(message))
    ]

    assert wrong == []


def test_compiled_texts_are_those_of_the_source(chinese):
    with (CHINESE / "django.mo").open("rb") as file:
        compiled = read_mo(file)

    texts = {_key(message): _strings(message) for message in compiled if message.id}
    assert texts == {key: _strings(message) for key, message in chinese.items()}


def _key(message):
    # Babel gives the context of a compiled text as bytes.
    context = message.context.decode() if isinstance(message.context, bytes) else message.context
    return context, message.id if isinstance(message.id, str) else message.id[0]


def _strings(message):
    return [message.string] if isinstance(message.string, str) else list(message.string)
