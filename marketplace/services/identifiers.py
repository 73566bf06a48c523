"""What an organisation says of itself, checked against the registers' own rules."""

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from stdnum import exceptions, lei
from stdnum.cn import uscc as uscc_rules
from stdnum.eu import vat

from marketplace.models import Organisation
from marketplace.parsing.industries import industries
from marketplace.parsing.places import find_place


class IdentifierError(ValueError):
    """Say why a value was not taken; the message is fit to show."""


def clean_uscc(text: str) -> str:
    """Return the code as the register writes it.

    :raises IdentifierError: saying what is wrong with its length, its characters or its check digit
    """
    code = uscc_rules.compact(text).upper()
    if not code:
        raise IdentifierError(_("Enter the unified social credit code (18 characters)."))
    try:
        return uscc_rules.validate(code)
    except exceptions.InvalidLength as error:
        raise IdentifierError(
            _("A unified social credit code has 18 characters; this one has %(count)d.") % {"count": len(code)}
        ) from error
    except exceptions.InvalidChecksum as error:
        raise IdentifierError(
            _("The check digit of this unified social credit code is wrong: compare it with your licence.")
        ) from error
    except exceptions.ValidationError as error:
        raise IdentifierError(
            _("A unified social credit code has digits and capital letters without I, O, S, V, Z.")
        ) from error


def _clean_lei(text: str, country: str) -> str:
    try:
        return lei.validate(text)
    except exceptions.ValidationError as error:
        raise IdentifierError(
            _("This is no legal entity identifier: 20 characters, the last two are check digits.")
        ) from error


def _clean_vat(text: str, country: str) -> str:
    code = text.replace(" ", "").upper()
    if country.lower() not in vat.MEMBER_STATES:
        return code
    if not code.startswith(country):
        code = country + code
    try:
        return vat.validate(code)
    except exceptions.ValidationError as error:
        raise IdentifierError(_("This is no VAT number of that country.")) from error


def _clean_registration(text: str, country: str) -> str:
    return text.strip().upper()


FOREIGN: dict[str, Callable[[str, str], str]] = {
    Organisation.IdentifierType.LEI: _clean_lei,
    Organisation.IdentifierType.VAT: _clean_vat,
    Organisation.IdentifierType.REGISTRATION: _clean_registration,
}


def clean_foreign_identifier(identifier_type: str, text: str, country: str) -> str:
    """Return the identifier of a firm from abroad as its register writes it.

    :raises IdentifierError: if its own rules say it cannot be one
    """
    if not text.strip():
        raise IdentifierError(_("Enter the identifier under which your firm is registered."))
    return FOREIGN[identifier_type](text, country)


def _clean_identifier(organisation: Organisation) -> dict[str, list[str]]:
    if organisation.identifier_type == Organisation.IdentifierType.USCC:
        organisation.foreign_identifier = ""
        try:
            organisation.uscc = clean_uscc(organisation.uscc or "")
        except IdentifierError as error:
            return {"uscc": [str(error)]}
    elif organisation.identifier_type in FOREIGN:
        organisation.uscc = None
        try:
            organisation.foreign_identifier = clean_foreign_identifier(
                organisation.identifier_type, organisation.foreign_identifier, organisation.country
            )
        except IdentifierError as error:
            return {"foreign_identifier": [str(error)]}
    return {}


def _clean_codes(organisation: Organisation) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    if organisation.region:
        found = find_place(organisation.region)
        if found is None:
            errors["region"] = [_("Unknown region: give a GB/T 2260 code or a name.")]
        organisation.region = found or ""
    if organisation.industry and organisation.industry not in industries():
        errors["industry"] = [_("GB/T 4754 has no class with this code.")]
    return errors


def check_organisation(organisation: Organisation) -> dict[str, list[str]]:
    """Normalise what an organisation says of itself and return what is wrong with it, by field."""
    organisation.country = organisation.country.strip().upper()
    errors = _clean_identifier(organisation) | _clean_codes(organisation)
    if not organisation.name_zh and not organisation.name_en:
        errors["name_zh"] = [_("Enter the name in Chinese, in English, or both.")]
    try:
        organisation.clean_fields(exclude={"uscc", "foreign_identifier", "created_at", "reviewed_by", *errors})
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            errors.setdefault(field, []).extend(messages)
    return errors
