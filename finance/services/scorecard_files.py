"""Read the JSON of a model that somebody hands in: what is wrong is named by its path."""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from config.errors import InputRefused
from finance.models.scorecard import BOOSTED, LARGEST_FILE, LOGISTIC
from finance.scoring import challengers, scorecard
from finance.scoring.features import FEATURES

MOST_ERRORS = 20
NUMBER = {"type": "number", "minimum": -1e12, "maximum": 1e12}
FEATURE = {"enum": [feature.name for feature in FEATURES]}
SCALE = {
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
}
GRADES = {
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
}
TERM = {
    "type": "object",
    "required": ["feature", "sign", "scale", "low", "high", "mean", "sd", "weight"],
    "properties": {
        "feature": FEATURE,
        "sign": {"enum": [-1, 1]},
        "scale": {"type": "number", "minimum": 0},
        "low": NUMBER,
        "high": NUMBER,
        "mean": NUMBER,
        "sd": {"type": "number", "exclusiveMinimum": 0},
        "weight": NUMBER,
    },
}
TABLE = {
    "type": "object",
    "required": ["feature", "edges", "steps", "unknown"],
    "properties": {
        "feature": FEATURE,
        "edges": {"type": "array", "maxItems": 1000, "items": NUMBER},
        "steps": {"type": "array", "minItems": 1, "maxItems": 1001, "items": NUMBER},
        "unknown": NUMBER,
    },
}


def _schema(form: str, parts: str, part: dict[str, Any]) -> Draft202012Validator:
    properties = {
        "format": {"const": form},
        "intercept": NUMBER,
        "prior": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "scale": SCALE,
        "grades": GRADES,
        parts: {"type": "array", "minItems": 1, "items": part},
        "card": {"type": "object"},
    }
    required = ["format", "intercept", "prior", "scale", "grades", parts]
    return Draft202012Validator({"type": "object", "required": required, "properties": properties})


# By the format that a model names: the family that it is of, and what it must look like.
FAMILIES = {
    scorecard.FORMAT: (LOGISTIC, _schema(scorecard.FORMAT, "terms", TERM)),
    challengers.FORMAT: (BOOSTED, _schema(challengers.FORMAT, "tables", TABLE)),
}


def read_scorecard(said: bytes | str | Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the model that a file or an object describes, and the family that it is of.

    :raises InputRefused: under ``content`` with the path of each thing that is wrong
    """
    document = dict(said) if isinstance(said, Mapping) else _parsed(said)
    named = document.get("format") if isinstance(document, Mapping) else None
    family, validator = FAMILIES.get(named if isinstance(named, str) else None, FAMILIES[scorecard.FORMAT])
    errors = sorted(validator.iter_errors(document), key=lambda error: error.json_path)
    if errors:
        shown = [f"{error.json_path}: {error.message[:300]}" for error in errors[:MOST_ERRORS]]
        if len(errors) > MOST_ERRORS:
            shown.append(_("And %(count)d more.") % {"count": len(errors) - MOST_ERRORS})
        raise InputRefused({"content": shown})
    try:
        challengers.model_of(document)
    except scorecard.ScorecardUnreadable as error:
        raise InputRefused({"content": [f"$.{error}"]}) from error
    return document, family


def _parsed(said: bytes | str) -> Any:
    if len(said) > LARGEST_FILE:
        raise InputRefused({"content": [_("A model has at most %(count)d bytes.") % {"count": LARGEST_FILE}]})
    try:
        text = said.decode("utf-8-sig") if isinstance(said, bytes) else said
        return json.loads(text, parse_constant=_refuse_constant)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputRefused({"content": [_("This is no JSON: %(error)s") % {"error": error}]}) from error


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(name)
