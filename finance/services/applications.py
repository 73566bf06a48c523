"""What a firm may ask for: begin an application, hand it in, answer, withdraw it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.files import File
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.lending.eligibility import judge
from finance.models import (
    Actor,
    Application,
    ApplicationDocument,
    Consent,
    CreditAssessment,
    CreditLine,
    CreditProduct,
    DataGroup,
    Decision,
    Guarantee,
    ProgrammeInvitation,
    Purpose,
)
from finance.models.application import new_application_number
from finance.runs import application_news
from finance.services import evidence
from finance.services.application_steps import move, refuse_stale, write_step
from finance.services.consents import give_consent
from finance.services.credit_actions import require
from finance.services.firm_facts import firm_facts, grades_of
from marketplace.models import Attachment, Membership, Organisation, User
from marketplace.services.attachments import store_attachments
from marketplace.services.notifications import notify_many
from marketplace.services.organisations import require_role

Status = Application.Status
LENDERS = (Organisation.Kind.BANK, Organisation.Kind.INSURER, Organisation.Kind.GUARANTOR)
LONGEST_USE = 500


class ProductNotOffered(RuleBroken):
    pass


class AlreadyApplied(RuleBroken):
    """The firm has an application for this product that has not ended."""


class FirmCannotBorrow(RuleBroken):
    pass


class ConsentNeeded(RuleBroken):
    """The bank may not read what it needs to review the application."""


@transaction.atomic
def begin_application(
    *, firm: Organisation, product: CreditProduct, fields: Mapping[str, Any], by: User, now: datetime
) -> Application:
    """Draft an application; nobody else sees it until it is handed in.

    :raises OnlyMembersMay: if the user does not trade for the firm
    :raises FirmCannotBorrow: if the organisation lends, or is not approved
    :raises ProductNotOffered: if it is not offered today
    :raises InputRefused: naming each field that cannot be taken
    :raises AlreadyApplied: if another for this product has not ended
    """
    require_role(by, firm, *Membership.TRADING_ROLES)
    if firm.kind in LENDERS or not firm.is_approved:
        raise FirmCannotBorrow(_("Only an approved firm can apply for credit."))
    if not CreditProduct.objects.offered(timezone.localdate(now)).filter(pk=product.pk).exists():
        raise ProductNotOffered(_("“%(name)s” is not offered at present.") % {"name": product.name})
    application = Application(
        number=new_application_number(now),
        firm=firm,
        bank=product.bank,
        product=product,
        currency=product.currency,
        created_by=by,
        created_at=now,
        act_by=now + timedelta(days=30),
        **read_request(product, firm, fields),
    )
    try:
        with transaction.atomic():
            application.save(force_insert=True)
    except IntegrityError as error:
        if "application_one_running_per_firm_and_product" not in str(error):
            raise
        raise AlreadyApplied(
            _("You have already applied for “%(name)s”: see your applications.") % {"name": product.name}
        ) from error
    write_step(application, "begun", by=by, side=Actor.FIRM, at=now)
    return application


@transaction.atomic
def edit_application(
    *, application: Application, fields: Mapping[str, Any], by: User, now: datetime, version: int | None = None
) -> Application:
    """Change a draft.

    :raises ApplicationNotInStateForThis: if it was handed in
    :raises InputRefused: naming each field that cannot be taken
    """
    require("edit", application, by)
    said = read_request(application.product, application.firm, fields)
    rows = Application.objects.filter(pk=application.pk, status=Status.DRAFT)
    if version is not None:
        rows = rows.filter(version=version)
    changed = rows.update(**said, version=application.version + 1, act_by=now + timedelta(days=30))
    application.refresh_from_db()
    if not changed:
        refuse_stale(application, version)
    return application


@transaction.atomic
def submit_application(
    *,
    application: Application,
    by: User,
    now: datetime,
    consent_until: datetime | None = None,
    groups: Iterable[str] = (),
    version: int | None = None,
) -> Application:
    """Hand an application in, with a consent given in the same breath where the firm says until when.

    What the product needs is always in it; ``groups`` may add to that. Without ``consent_until`` a consent that stands
    already must let the bank read what the product needs.

    :raises ApplicationNotInStateForThis: if it was handed in before
    :raises ProductNotOffered: if the product is offered no longer
    :raises ConsentNeeded: if the bank could not read what it needs
    :raises OnlyAnOwnerConsents: if somebody else than an owner wants to give the consent
    """
    require("submit", application, by)
    product = application.product
    if not CreditProduct.objects.offered(timezone.localdate(now)).filter(pk=product.pk).exists():
        raise ProductNotOffered(_("“%(name)s” is not offered at present.") % {"name": product.name})
    assessment = CreditAssessment.objects.latest_of(application.firm)
    application = move(
        application,
        Status.SUBMITTED,
        version=version,
        at=now,
        submitted_at=now,
        assessment=assessment,
        eligibility=eligibility_of(application, assessment, now=now),
        terms=terms_of(product),
    )
    consent = _consent_for(application, until=consent_until, groups=groups, by=by, now=now)
    Application.objects.filter(pk=application.pk).update(consent=consent)
    application.consent = consent
    write_step(application, "submitted", by=by, side=Actor.FIRM, at=now, details={"consent": consent.number})
    notify_many(application_news.submitted(application, at=now), now=now)
    evidence.append(
        kind="credit.submitted",
        content={"application": application.number, "consent": consent.number, "score": _score_of(assessment)},
        at=now,
    )
    return application


@transaction.atomic
def answer_questions(
    *,
    application: Application,
    text: str,
    by: User,
    now: datetime,
    uploads: Iterable[File] = (),
    attachments: Iterable[Attachment] = (),
    version: int | None = None,
) -> Application:
    """Answer what the bank asked, in words and with files; the maker who asked goes on.

    :raises ApplicationNotInStateForThis: if nothing is asked
    :raises InputRefused: if it says nothing, or a file cannot be taken
    """
    require("answer", application, by)
    uploads, attachments = list(uploads), list(attachments)
    if not text.strip() and not uploads and not attachments:
        raise InputRefused({"text": [_("Answer in words, or add a document.")]})
    application = move(application, Status.IN_REVIEW, version=version, at=now)
    added = _add_files(application, uploads, attachments, by=by, now=now)
    details = {"documents": [one.attachment.name for one in added]}
    write_step(application, "answered", by=by, side=Actor.FIRM, at=now, note=text.strip()[:4000], details=details)
    notify_many(application_news.answered(application, at=now), now=now)
    return application


@transaction.atomic
def add_documents(
    *,
    application: Application,
    by: User,
    now: datetime,
    uploads: Iterable[File] = (),
    attachments: Iterable[Attachment] = (),
) -> list[ApplicationDocument]:
    """Add files to an application; the bank reads them while the firm's consent stands.

    :raises ApplicationNotInStateForThis: if it was decided already
    :raises InputRefused: if there is no file, or one cannot be taken
    """
    require("add_documents", application, by)
    # Held, so that nobody decides on it meanwhile without these.
    application = Application.objects.select_for_update(of=("self",), no_key=True).get(pk=application.pk)
    require("add_documents", application, by)
    uploads, attachments = list(uploads), list(attachments)
    if not uploads and not attachments:
        raise InputRefused({"files": [_("Choose at least one file.")]})
    added = _add_files(application, uploads, attachments, by=by, now=now)
    details = {"documents": [one.attachment.name for one in added]}
    write_step(application, "documents_added", by=by, side=Actor.FIRM, at=now, details=details)
    return added


@transaction.atomic
def withdraw_application(
    *, application: Application, reason: str, by: User, now: datetime, version: int | None = None
) -> Application:
    """Take an application back before anything is signed.

    :raises ApplicationNotInStateForThis: if it was signed or has ended
    """
    require("withdraw", application, by)
    was_draft = application.status == Status.DRAFT
    application = move(
        application, Status.WITHDRAWN, version=version, at=now, ended_at=now, end_reason=reason.strip()[:300]
    )
    Decision.objects.filter(application=application).waiting().update(verdict=Decision.Verdict.DROPPED)
    write_step(application, "withdrawn", by=by, side=Actor.FIRM, at=now, note=application.end_reason)
    if not was_draft:
        notify_many(application_news.withdrawn(application, at=now), now=now)
    return application


def eligibility_of(
    application: Application, assessment: CreditAssessment | None, *, now: datetime
) -> list[dict[str, Any]]:
    """Return what each rule of the product says of the firm and the amount, as it stands now."""
    product = application.product
    facts = firm_facts(
        application.firm,
        assessment=assessment,
        now=now,
        has_guarantee=Guarantee.objects.covering(application).exists(),
        has_programme=application.programme_id is not None,
    )
    grounds = judge(
        product.eligibility,
        facts,
        grades=grades_of(assessment.scorecard if assessment else None),
        priced=list(product.spread_bp),
        amount=application.amount,
    )
    return [ground.as_dict() for ground in grounds]


def terms_of(product: CreditProduct) -> dict[str, Any]:
    """Return a product's conditions as plain values, to be kept with what was applied for."""
    names = [name for name in CreditProduct.PROFILE_FIELDS if not name.startswith(("about_", "offered_"))]
    values = {name: getattr(product, name) for name in names}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def programmes_for(*, firm: Organisation, bank: Organisation | None = None) -> QuerySet[CreditLine]:
    """Return the programmes whose core enterprise invited this firm, and that it accepted."""
    accepted = ProgrammeInvitation.objects.filter(firm=firm, status=ProgrammeInvitation.Status.ACCEPTED)
    found = CreditLine.objects.filter(pk__in=accepted.values("programme")).select_related("bank", "parent__borrower")
    return found if bank is None else found.filter(bank=bank)


def read_request(product: CreditProduct, firm: Organisation, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is asked for as clean values.

    :raises InputRefused: naming each field that cannot be taken
    """
    errors: dict[str, list[str]] = {}
    amount, days = fields.get("amount"), fields.get("days")
    if not isinstance(amount, Decimal) or amount != amount.quantize(Decimal("0.01")):
        errors["amount"] = [_("An amount above 0 with at most two decimal places.")]
    elif not product.min_amount <= amount <= product.max_amount:
        errors["amount"] = [
            _("The product lends %(least)s to %(most)s.")
            % {"least": f"{product.min_amount:,.2f}", "most": f"{product.max_amount:,.2f}"}
        ]
    if not isinstance(days, int) or not product.min_days <= days <= product.max_days:
        errors["days"] = [
            _("The product runs %(least)d to %(most)d days.") % {"least": product.min_days, "most": product.max_days}
        ]
    if fields.get("repayment") not in product.repayment_methods:
        errors["repayment"] = [_("The product is not repaid in this way.")]
    use = str(fields.get("use") or "").strip()
    if not use:
        errors["use"] = [_("Say what the money is for.")]
    elif len(use) > LONGEST_USE:
        errors["use"] = [_("At most %(count)d characters.") % {"count": LONGEST_USE}]
    programme = fields.get("programme")
    if programme is not None and not programmes_for(firm=firm, bank=product.bank).filter(pk=programme.pk).exists():
        errors["programme"] = [_("You are not in this programme, or it belongs to another bank.")]
    if errors:
        raise InputRefused(errors)
    return {"amount": amount, "days": days, "repayment": fields["repayment"], "use": use, "programme": programme}


def _consent_for(
    application: Application, *, until: datetime | None, groups: Iterable[str], by: User, now: datetime
) -> Consent:
    needed = set(application.product.consent_groups)
    if until is not None:
        return give_consent(
            firm=application.firm,
            reader=application.bank,
            purpose=Purpose.REVIEW,
            groups=needed | set(groups),
            valid_until=until,
            by=by,
            now=now,
        )
    standing = Consent.objects.letting(application.bank, purpose=Purpose.REVIEW, now=now).filter(firm=application.firm)
    for consent in standing.order_by("-valid_until", "-pk"):
        if needed <= set(consent.groups):
            return consent
    names = ", ".join(str(DataGroup(group).label) for group in DataGroup.values if group in needed)
    raise ConsentNeeded(
        _("An owner of the firm has to let the bank read, for the review: %(groups)s.") % {"groups": names}
    )


def _add_files(
    application: Application, uploads: list[File], attachments: list[Attachment], *, by: User, now: datetime
) -> list[ApplicationDocument]:
    """Keep files for the firm alone: the bank reads them through its consent, never by a lasting right."""
    stored = store_attachments(uploads=uploads, by=by, readers=[application.firm], now=now)
    allowed = Attachment.objects.attachable_by(by, application.firm)
    known = list(allowed.filter(pk__in=[one.pk for one in attachments]))
    rows = [
        ApplicationDocument(application=application, attachment=one, added_by=by, added_at=now)
        for one in [*stored, *known]
    ]
    return ApplicationDocument.objects.bulk_create(rows, ignore_conflicts=False)


def _score_of(assessment: CreditAssessment | None) -> str:
    return assessment.sha256 if assessment else ""
