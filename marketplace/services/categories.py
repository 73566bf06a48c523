from datetime import datetime
from pathlib import Path

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from config.errors import InputRefused, RuleBroken
from marketplace.models import Category, User
from marketplace.parsing.catalogue import read_file
from marketplace.services.organisations import require_platform_operator

SHIPPED = Path(__file__).parent.parent / "data" / "categories"
SHIPPED_FIELDS = (
    "kind", "name_zh", "name_en", "synonyms_zh", "synonyms_en", "cluster", "family", "unit", "industry", "hs", "schema",
)  # fmt: skip
EDITABLE_FIELDS = (*SHIPPED_FIELDS, "parent")


class CategoryIsItsOwnAncestor(RuleBroken):
    pass


class CategoryInUse(RuleBroken):
    pass


def _read(folder: Path) -> dict[str, dict]:
    """Return the categories of the folder's files by code.

    :raises InputRefused: naming the file, and the category in it
    """
    found: dict[str, dict] = {}
    errors: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            content = read_file(path)
            entries = [(entry["code"], entry) for entry in content["categories"]]
        except (ValueError, KeyError, TypeError, OSError) as error:
            errors[path.name] = [_("This is no file of categories: %(error)r") % {"error": error}]
            continue
        for code, entry in entries:
            if code in found:
                errors[f"{path.name} {code}"] = [_("Another category has this code.")]
            elif problem := schema_problem(entry.get("schema", {})):
                errors[f"{path.name} {code}"] = [problem]
            found[code] = {"cluster": content.get("cluster", ""), **entry}
    for code, entry in found.items():
        if (parent := entry.get("parent")) and parent not in found:
            errors[code] = [_("Its parent “%(parent)s” is in no file.") % {"parent": parent}]
    if not found and not errors:
        errors[str(folder.name)] = [_("The folder has no files of categories.")]
    if errors:
        raise InputRefused(errors)
    return found


def schema_problem(schema: object) -> str | None:
    """Say what is wrong with an attribute schema, or None."""
    if not isinstance(schema, dict):
        return _("The attribute schema must be an object.")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return _("The attribute schema is not valid: %(error)s") % {"error": error.message}
    properties = schema.get("properties", {})
    untitled = [key for key, rule in properties.items() if not (rule.get("title_zh") and rule.get("title_en"))]
    if untitled:
        return _("These attributes need a title in both languages: %(keys)s") % {"keys": ", ".join(untitled)}
    return None


def _parents_first(entries: dict[str, dict]) -> list[list[str]]:
    """Return the codes in generations, so that a parent is written before its children."""
    generations, written = [], set()
    while len(written) < len(entries):
        generation = [
            code
            for code, entry in entries.items()
            if code not in written and (not entry.get("parent") or entry["parent"] in written)
        ]
        if not generation:
            circle = sorted(set(entries) - written)
            raise CategoryIsItsOwnAncestor(_("These categories go round in a circle: %(codes)s") % {"codes": circle})
        generations.append(generation)
        written.update(generation)
    return generations


@transaction.atomic
def load_catalogue(*, folder: Path = SHIPPED, now: datetime) -> int:
    """Write the categories of the folder's files; what the platform operator edited stays as it is.

    Return how many were written. Loading twice changes nothing the second time.

    :raises InputRefused: naming file and category
    """
    entries = _read(Path(folder))
    edited = set(Category.objects.exclude(edited_at=None).values_list("code", flat=True))
    ids = dict(Category.objects.values_list("code", "pk"))
    written = 0
    for generation in _parents_first(entries):
        rows = []
        for code in generation:
            if code in edited:
                continue
            entry = entries[code]
            values = {field: entry[field] for field in SHIPPED_FIELDS if field in entry}
            values.setdefault("family", code.split(".", 1)[0])
            rows.append(Category(code=code, parent_id=ids.get(entry.get("parent")), changed_at=now, **values))
        Category.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["code"], update_fields=["parent", "changed_at", *SHIPPED_FIELDS]
        )
        ids |= dict(Category.objects.filter(code__in=generation).values_list("code", "pk"))
        written += len(rows)
    return written


@transaction.atomic
def edit_category(*, category: Category, by: User, now: datetime, **changes) -> Category:
    """Change a category; loading the shipped catalogue leaves it alone from now on.

    :raises InputRefused: naming each field that cannot be taken
    :raises CategoryIsItsOwnAncestor: if its new parent stands below it
    """
    require_platform_operator(by)
    category = Category.objects.select_for_update().get(pk=category.pk)
    for field, value in changes.items():
        if field not in EDITABLE_FIELDS:
            raise InputRefused({field: [_("This field of a category cannot be edited.")]})
        setattr(category, field, value)
    _check(category)
    category.edited_at = category.changed_at = now
    category.save()
    return category


@transaction.atomic
def add_category(*, code: str, by: User, now: datetime, **values) -> Category:
    """Add a category of the platform's own.

    :raises InputRefused: naming each field that cannot be taken
    """
    require_platform_operator(by)
    category = Category(code=code, edited_at=now, changed_at=now, **values)
    _check(category)
    category.save()
    return category


def _check(category: Category) -> None:
    errors = {}
    if problem := schema_problem(category.schema):
        errors["schema"] = [problem]
    try:
        category.full_clean(exclude={"schema", "parent"}, validate_constraints=False)
    except ValidationError as error:
        errors |= error.message_dict
    if errors:
        raise InputRefused(errors)
    ancestor = category.parent
    while ancestor is not None:
        if ancestor.pk == category.pk:
            raise CategoryIsItsOwnAncestor(_("A category cannot stand below itself."))
        ancestor = ancestor.parent


@transaction.atomic
def retire_category(*, category: Category, by: User, now: datetime) -> None:
    """Take a category out of choice; listings in it keep it.

    :raises CategoryInUse: if other categories stand below it
    """
    require_platform_operator(by)
    if Category.objects.current().filter(parent=category).exists():
        raise CategoryInUse(_("Other categories stand below “%(name)s”.") % {"name": category.name})
    Category.objects.filter(pk=category.pk).update(retired_at=now, edited_at=now, changed_at=now)
