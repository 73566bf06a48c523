"""A field of a form for each attribute of a category's schema."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.templatetags.market import attribute_label, in_my_language, unit_symbol


def attribute_field(key: str, rules: Mapping[str, Any]) -> forms.Field:
    """Return the field that asks for an attribute: a choice where the schema lists its values, else a line."""
    label = attribute_label(key, rules)
    if label != key:
        label = f"{label} ({key})" if key.isupper() else label
    words = rules.get("items", {}) if rules.get("type") == "array" else rules
    if "enum" in words:
        choices = [
            (str(value), in_my_language(rules.get("labels", words.get("labels", {})).get(value, {})) or value)
            for value in words["enum"]
        ]
        if rules.get("type") == "array":
            return forms.MultipleChoiceField(label=label, choices=choices, required=False)
        return forms.ChoiceField(label=label, choices=[("", "—"), *choices], required=False)
    if rules.get("type") == "boolean":
        choices = [("", "—"), ("true", _("yes")), ("false", _("no"))]
        return forms.ChoiceField(label=label, choices=choices, required=False)
    field = forms.CharField(label=label, max_length=200, required=False)
    if examples := rules.get("examples"):
        field.widget.attrs["placeholder"] = str(examples[0])
    if rules.get("type") in ("number", "integer"):
        field.widget.attrs.update(inputmode="decimal", autocomplete="off")
    # The template writes it behind the input.
    field.unit = unit_symbol(rules["unit"]) if rules.get("unit") else ""
    return field


def attribute_text(value: Any) -> str | list[str]:
    """Return what the field shows for a value that is kept."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return [str(item) for item in value]
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def attribute_value(value: Any, rules: Mapping[str, Any]) -> Any:
    """Return what the service takes for what the field was given; the schema's own rules are checked there."""
    if rules.get("type") == "boolean":
        return value == "true"
    if rules.get("type") == "array" and isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value
