"""What must be alike in the normal form, and what must not, as tradesmen of the six clusters write it."""

from pathlib import Path

import pytest

from marketplace.parsing.folding import fold
from marketplace.parsing.normal_form import codes_and_terms, normalise

HERE = Path(__file__).parent


def lines_of(name):
    lines = (HERE / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


ALIKE = lines_of("normal_form_examples.tsv")


def meanings(text):
    codes, terms = codes_and_terms(fold(text))
    return {*(code.token for code in codes), *(found.value.token for found in terms)}


def test_examples_are_many():
    assert len(ALIKE) >= 150


@pytest.mark.parametrize(("token", "spellings"), ALIKE, ids=[line[0] for line in ALIKE])
def test_spellings_of_one_thing_share_its_token(token, spellings):
    wanted = set(token.split("|"))

    assert [text for text in spellings.split("|") if not wanted & set(normalise(text).split())] == []


@pytest.mark.parametrize(("one", "other"), lines_of("normal_form_look_alikes.tsv"))
def test_look_alikes_share_nothing(one, other):
    assert meanings(one) & meanings(other) == set()
