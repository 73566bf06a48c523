"""Firms that a supply should be offered to, as an exhibitor noted them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Exhibition, Lead, Listing, Membership, Negotiation, Organisation, User
from marketplace.parsing.draft_fields import date as day
from marketplace.parsing.draft_fields import one_of
from marketplace.services.negotiations import open_negotiation
from marketplace.services.organisations import require_role
from marketplace.services.said_fields import SaidFields, refuse_errors


class LeadAlreadyRecorded(RuleBroken):
    """The firm was noted before; ``lead`` is what was written."""

    def __init__(self, lead: Lead) -> None:
        self.lead = lead
        super().__init__(_("“%(name)s” was noted before: add to that note.") % {"name": lead.name})


class LeadIsNotOnThePlatform(RuleBroken):
    pass


class LeadNamesNoSupply(RuleBroken):
    pass


def _read(
    said: Mapping[str, Any],
    *,
    organisation: Organisation,
    firm: Organisation | None,
    supply: Listing | None,
    now: datetime,
) -> dict[str, Any]:
    reader = SaidFields(said, errors={})
    fields = {
        "firm_name": reader.text("firm_name", 200),
        "contact_name": reader.text("contact_name", 100),
        "contact_phone": reader.text("contact_phone", 30),
        "contact_email": reader.text("contact_email", 254),
        "interest": reader.read(
            "interest", one_of({value: value for value in Lead.Interest.values}), "warm", is_required=True
        ),
        "text": reader.text("text", 4000),
        "next_step": reader.text("next_step", 300),
        "follow_up_on": reader.read("follow_up_on", day),
    }
    if fields["contact_email"]:
        try:
            validate_email(fields["contact_email"])
        except ValidationError:
            reader.refuse("contact_email", _("Enter a valid e-mail address."))
    if firm is None and not fields["firm_name"]:
        reader.refuse("firm_name", _("Name the firm, or choose one that is here."))
    if firm == organisation:
        reader.refuse("firm", _("This is your own firm."))
    if fields["follow_up_on"] and fields["follow_up_on"] < timezone.localdate(now):
        reader.refuse("follow_up_on", _("This day is past."))
    if supply is not None and (supply.organisation_id != organisation.pk or supply.side != Listing.Side.SUPPLY):
        reader.refuse("supply", _("Name a supply of your own firm."))
    refuse_errors(reader.errors)
    return fields


@transaction.atomic
def record_lead(
    *,
    organisation: Organisation,
    by: User,
    fields: Mapping[str, Any],
    now: datetime,
    exhibition: Exhibition | None = None,
    firm: Organisation | None = None,
    supply: Listing | None = None,
) -> Lead:
    """Note a firm that could buy: one that is here, or one named from a card.

    :raises InputRefused: naming each field that cannot be taken
    :raises LeadAlreadyRecorded: if this firm was noted at this exhibition before
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    said = _read(fields, organisation=organisation, firm=firm, supply=supply, now=now)
    lead = Lead(
        organisation=organisation,
        exhibition=exhibition,
        firm=firm,
        supply=supply,
        recorded_by=by,
        created_at=now,
        updated_at=now,
        **said,
    )
    try:
        with transaction.atomic():
            lead.save(force_insert=True)
    except IntegrityError as error:
        if "lead_once_per_exhibition_and_firm" not in str(error):
            raise
        raise LeadAlreadyRecorded(organisation.leads.get(exhibition=exhibition, firm=firm)) from error
    return lead


@transaction.atomic
def update_lead(
    *,
    lead: Lead,
    by: User,
    fields: Mapping[str, Any],
    now: datetime,
    is_done: bool = False,
    supply: Listing | None = None,
) -> Lead:
    """Write down what became of a lead.

    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, lead.organisation, *Membership.TRADING_ROLES)
    supply = supply or lead.supply
    known = {name: getattr(lead, name) for name in Lead.NOTE_FIELDS}
    if known["follow_up_on"] and known["follow_up_on"] < timezone.localdate(now):
        known["follow_up_on"] = None
    said = _read(known | dict(fields), organisation=lead.organisation, firm=lead.firm, supply=supply, now=now)
    for name, value in said.items():
        setattr(lead, name, value)
    lead.supply = supply
    if is_done:
        lead.status = Lead.Status.DONE
    elif lead.status == Lead.Status.DONE:
        lead.status = Lead.Status.NEGOTIATING if lead.negotiation_id else Lead.Status.OPEN
    lead.updated_at = now
    lead.save()
    return lead


@transaction.atomic
def negotiate_with_lead(*, lead: Lead, by: User, now: datetime) -> Negotiation:
    """Open a negotiation about the lead's supply with its firm, or return the one that is open.

    :raises LeadIsNotOnThePlatform: if the firm was only named
    :raises LeadNamesNoSupply: if nothing is said to be offered
    """
    require_role(by, lead.organisation, *Membership.TRADING_ROLES)
    if lead.firm is None:
        raise LeadIsNotOnThePlatform(_("This firm is not here yet: invite it to register first."))
    if lead.supply is None:
        raise LeadNamesNoSupply(_("Say which of your supplies it is about first."))
    negotiation = open_negotiation(
        by=by,
        organisation=lead.organisation,
        supply=lead.supply,
        counterpart=lead.firm,
        origin=Negotiation.Origin.INVITATION,
        now=now,
    )
    Lead.objects.filter(pk=lead.pk).update(status=Lead.Status.NEGOTIATING, negotiation=negotiation, updated_at=now)
    return negotiation
