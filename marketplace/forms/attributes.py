"""A field of a form for each attribute of a category's schema."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from marketplace.templatetags.market import attribute_label, in_my_language, unit_symbol

NOT_SAID = ("", "—")


def attribute_field(key: str, rules: Mapping[str, Any], *, is_required: bool = False) -> forms.Field:
    """Return the field that asks for an attribute: a choice where the schema lists its values, else a line.

    A required one is marked and not enforced here: a draft may leave it out, and a text may say it.
    """
    field = _field(rules)
    title = attribute_label(key, rules)
    # Engineers know DN and PN by these letters in every language.
    field.label = f"{title} ({key})" if key.isupper() and title != key else title
    field.required, field.is_wanted = False, is_required
    # The template writes it behind the input.
    field.unit = unit_symbol(rules["unit"]) if rules.get("unit") else ""
    return field


def _field(rules: Mapping[str, Any]) -> forms.Field:
    is_list = rules.get("type") == "array"
    words = rules.get("items", {}) if is_list else rules
    if "enum" in words:
        labels = rules.get("labels") or words.get("labels", {})
        choices = [(str(value), in_my_language(labels.get(value, {})) or value) for value in words["enum"]]
        return (
            forms.MultipleChoiceField(choices=choices) if is_list else forms.ChoiceField(choices=[NOT_SAID, *choices])
        )
    if rules.get("type") == "boolean":
        return forms.ChoiceField(choices=[NOT_SAID, ("true", _("yes")), ("false", _("no"))])
    field = forms.CharField(max_length=200)
    if examples := rules.get("examples"):
        field.widget.attrs["placeholder"] = gettext("e.g. %(value)s") % {"value": examples[0]}
    if rules.get("type") in ("number", "integer"):
        field.widget.attrs.update(inputmode="decimal", autocomplete="off")
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
