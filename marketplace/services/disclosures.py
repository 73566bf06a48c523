"""What other firms see of an organisation, and when."""

from collections.abc import Iterable
from datetime import datetime

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Attachment, Disclosure, Membership, Negotiation, Organisation, User
from marketplace.models.disclosure import disclosure_of
from marketplace.services.attachments import share_attachment, store_attachments
from marketplace.services.organisations import require_role

FIELDS = ("name_from", "contact_from", "documents_from")


@transaction.atomic
def set_disclosure(
    *,
    organisation: Organisation,
    by: User,
    name_from: int,
    contact_from: int,
    documents_from: int,
    now: datetime,
    is_lead: bool | None = None,
    documents: Iterable[Attachment] | None = None,
    uploads: Iterable[File] = (),
) -> Disclosure:
    """Choose from which stage others see the name, the contact and the documents; what was shown stays shown.

    ``documents`` are those that are shown, None leaves them as they are; ``uploads`` come to them.
    ``is_lead`` says whether suppliers may find the organisation as a possible customer; None leaves that as it is.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises InputRefused: if a stage is none, a contact or document would come before the name, or a file is not ours
    """
    require_role(by, organisation, Membership.Role.OWNER)
    said = dict(zip(FIELDS, (name_from, contact_from, documents_from), strict=True))
    errors = {name: [_("There is no such stage.")] for name, stage in said.items() if not _is_stage(name, stage)}
    if not errors:
        for name in ("contact_from", "documents_from"):
            if said[name] < name_from:
                errors[name] = [_("Not before the name: it would give the name away.")]
    chosen = None if documents is None else list(documents)
    if chosen and not _are_ours(chosen, by, organisation):
        errors["documents"] = [_("Only files that your organisation uploaded.")]
    if errors:
        raise InputRefused(errors)
    # Two owners saving at once: the second waits here and overwrites.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    if is_lead is not None:
        said["is_lead"] = is_lead
    disclosure, _is_new = Disclosure.objects.update_or_create(
        organisation=organisation, defaults={**said, "updated_at": now, "updated_by": by}
    )
    if chosen is not None:
        disclosure.documents.set(chosen)
    disclosure.documents.add(*store_attachments(uploads=uploads, by=by, readers=[organisation], now=now))
    for negotiation in _negotiations_of(organisation, disclosure):
        share_documents(negotiation=negotiation)
    return disclosure


def _is_stage(name: str, stage: int) -> bool:
    return stage in dict(Disclosure._meta.get_field(name).choices)  # noqa: SLF001 - Django's own name for it


def _are_ours(documents: list[Attachment], by: User, organisation: Organisation) -> bool:
    wanted = {document.pk for document in documents}
    return Attachment.objects.attachable_by(by, organisation).filter(pk__in=wanted).count() == len(wanted)


def _negotiations_of(organisation: Organisation, disclosure: Disclosure) -> Iterable[Negotiation]:
    rows = organisation.negotiations_as_buyer.all() | organisation.negotiations_as_seller.all()
    return rows.exclude(status=Negotiation.Status.ENDED).filter(stage__gte=disclosure.documents_from)


def share_documents(*, negotiation: Negotiation) -> None:
    """Let each side read the documents that the other shows at this stage."""
    for owner in (negotiation.buyer, negotiation.seller):
        disclosure = disclosure_of(owner)
        if disclosure.pk and disclosure.documents_from <= negotiation.stage:
            for document in disclosure.documents.all():
                share_attachment(attachment=document, readers=[negotiation.other(owner)])


def shown_documents(*, organisation: Organisation, negotiation: Negotiation, viewer: Organisation) -> list[Attachment]:
    """Return the documents of one side that the other, or itself, sees at the stage of their negotiation."""
    disclosure = disclosure_of(organisation)
    if not disclosure.pk or (viewer.pk != organisation.pk and disclosure.documents_from > negotiation.stage):
        return []
    return list(disclosure.documents.order_by("pk"))


def shows_contact(*, organisation: Organisation, negotiation: Negotiation) -> bool:
    """Say whether the other side sees whom to call."""
    return disclosure_of(organisation).contact_from <= negotiation.stage
