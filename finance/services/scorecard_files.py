"""Read the JSON of a model that somebody hands in: what is wrong is named by its path."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from config.errors import InputRefused
from finance.scoring.features import FEATURES
from finance.scoring.scorecard import FORMAT, Scorecard, ScorecardUnreadable

LARGEST = 1_000_000
MOST_ERRORS = 20
NUMBER = {"type": "number", "minimum": -1e12, "maximum": 1e12}
SCHEMA = {
    "type": "object",
    "required": ["format", "intercept", "prior", "scale", "grades", "terms"],
    "properties": {
        "format": {"const": FORMAT},
        "intercept": NUMBER,
        "prior": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "scale": {
            "type": "object",
            "required": ["points", "odds", "pdo", "lowest", "highest", "lowest_pd", "highest_pd"],
            "properties": {
                "points": NUMBER,
                "odds": {"type": "number", "exclusiveMinimum": 0},
                "pdo": {"type": "number", "exclusiveMinimum": 0},
                "lowest": {"type": "integer", "minimum": -32768, "maximum": 32767},
                "highest": {"type": "integer", "minimum": -32768, "maximum": 32767},
                "lowest_pd": {"type": "number", "minimum": 0, "maximum": 1},
                "highest_pd": {"type": "number", "minimum": 0, "maximum": 1},
            },
        },
        "grades": {
            "type": "array",
            "minItems": 2,
            "maxItems": 30,
            "items": {
                "type": "object",
                "required": ["grade", "highest_pd"],
                "properties": {
                    "grade": {"type": "string", "minLength": 1, "maxLength": 5},
                    "highest_pd": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                },
            },
        },
        "terms": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["feature", "sign", "scale", "low", "high", "mean", "sd", "weight"],
                "properties": {
                    "feature": {"enum": [feature.name for feature in FEATURES]},
                    "sign": {"enum": [-1, 1]},
                    "scale": {"type": "number", "minimum": 0},
                    "low": NUMBER,
                    "high": NUMBER,
                    "mean": NUMBER,
                    "sd": {"type": "number", "exclusiveMinimum": 0},
                    "weight": NUMBER,
                },
            },
        },
        "card": {"type": "object"},
    },
}
VALIDATOR = Draft202012Validator(SCHEMA)


def read_scorecard(said: bytes | str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the model that a file or an object describes.

    :raises InputRefused: under ``content`` with the path of each thing that is wrong
    """
    document = dict(said) if isinstance(said, Mapping) else _parsed(said)
    errors = sorted(VALIDATOR.iter_errors(document), key=lambda error: error.json_path)
    if errors:
        shown = [f"{error.json_path}: {error.message[:300]}" for error in errors[:MOST_ERRORS]]
        if len(errors) > MOST_ERRORS:
            shown.append(_("And %(count)d more.") % {"count": len(errors) - MOST_ERRORS})
        raise InputRefused({"content": shown})
    try:
        Scorecard.from_dict(document)
    except ScorecardUnreadable as error:
        raise InputRefused({"content": [f"$.{error}"]}) from error
    return document


def _parsed(said: bytes | str) -> Any:
    if len(said) > LARGEST:
        raise InputRefused({"content": [_("A model has at most %(count)d bytes.") % {"count": LARGEST}]})
    try:
        text = said.decode("utf-8-sig") if isinstance(said, bytes) else said
        return json.loads(text, parse_constant=_refuse_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputRefused({"content": [_("This is no JSON: %(error)s") % {"error": error}]}) from error


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(name)
