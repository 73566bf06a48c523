"""Open the nodes of a bank's tree of limits, and say whether a line may be drawn."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.lending.schedule import METHODS
from finance.models import Account, Application, CreditAssessment, CreditLine, CreditProduct, Decision
from finance.models import ProgrammeInvitation as Invitation
from finance.runs import credit_news as news
from finance.runs.ledger import Leg, post
from finance.services import evidence
from marketplace.models import Organisation, User
from marketplace.models.shipment import new_number
from marketplace.services.notifications import notify_many
from marketplace.services.said_values import money

PREFIX = "SX"
Kind = CreditLine.Kind
# What a node of each kind may hang under.
PARENTS = {
    Kind.BANK: (None,),
    Kind.CORE: (Kind.BANK,),
    Kind.PROGRAMME: (Kind.CORE,),
    Kind.MEMBER: (Kind.PROGRAMME,),
    Kind.SINGLE: (Kind.BANK,),
}


class BankHasNoLimit(RuleBroken):
    """The bank has not said how much it lends here in all."""


class LineNotUsable(RuleBroken):
    pass


class ScoreTooLow(RuleBroken):
    """The firm's score is below what the line asks for: open loans go on, new draws do not."""


class LineNotDecided(RuleBroken):
    """No two people of the bank have decided on the application that the line would be opened on."""


@transaction.atomic
def open_line(
    *,
    application: Application,
    limit: Decimal,
    terms: Mapping[str, Any],
    by: User,
    at: datetime,
    parent: CreditLine | None = None,
    kind: str | None = None,
) -> CreditLine:
    """Open the line that an agreed application leads to, in the caller's transaction.

    ``terms``: rate_bp, repayment, max_days, starts_on and ends_on; where they differ from the product's penalty_bp and
    is_revolving; and least_score and name. Without ``parent`` it hangs under the application's programme, else under
    the bank's own node. Of other lines see ``finance.services.line_changes``: two people open them.

    :raises LineNotDecided: if no second person of the bank confirmed an approval of at least this limit
    :raises BankHasNoLimit: if the bank has not opened its own node yet
    :raises InputRefused: naming each term that cannot be
    """
    decided = application.decisions.filter(
        outcome=Decision.Outcome.APPROVE, verdict=Decision.Verdict.CONFIRMED, amount__gte=limit
    )
    running = (Application.Status.AGREED, Application.Status.ACTIVE)
    if application.status not in running or not decided.exists():
        raise LineNotDecided(_("No second person of the bank has approved this line."))
    product = application.product
    if kind is None:
        core = product.kind == CreditProduct.Kind.CORE_LINE
        kind = Kind.MEMBER if application.programme_id else Kind.CORE if core else Kind.SINGLE
    return create_line(
        bank=application.bank,
        parent=parent or application.programme or bank_node(application.bank, application.currency),
        kind=kind,
        borrower=application.firm,
        limit=limit,
        currency=application.currency,
        terms={"penalty_bp": product.penalty_bp, "is_revolving": product.is_revolving, **terms},
        by=by,
        at=at,
        application=application,
    )


def bank_node(bank: Organisation, currency: str = "CNY") -> CreditLine:
    """Return the root of a bank's tree.

    :raises BankHasNoLimit: if there is none yet
    """
    node = CreditLine.objects.filter(bank=bank, kind=Kind.BANK, currency=currency)
    node = node.exclude(status=CreditLine.Status.CLOSED).first()
    if node is None:
        message = _(
            "“%(bank)s” has not said yet how much it lends here in all: a maker proposes it, a checker confirms."
        )
        raise BankHasNoLimit(message % {"bank": bank.name})
    return node


def create_line(
    *,
    bank: Organisation,
    parent: CreditLine | None,
    kind: str,
    borrower: Organisation | None,
    limit: Decimal,
    terms: Mapping[str, Any],
    by: User,
    at: datetime,
    currency: str = "CNY",
    application: Application | None = None,
) -> CreditLine:
    """Write the node, its posting and its evidence; the caller knows that two people want it.

    :raises InputRefused: naming each term that cannot be
    """
    said = checked_terms(kind=kind, bank=bank, parent=parent, borrower=borrower, limit=limit, terms=terms)
    line = CreditLine.objects.create(
        number=new_number(PREFIX, at),
        kind=kind,
        bank=bank,
        borrower=borrower,
        parent=parent,
        application=application,
        currency=parent.currency if parent else currency,
        limit=limit,
        opened_by=by,
        opened_at=at,
        **said,
    )
    line.path = [*(parent.path if parent else []), line.pk]
    line.save(update_fields=["path"])
    if kind == Kind.MEMBER:
        asked = Invitation.objects.filter(programme=parent, firm=borrower)
        asked.become(Invitation.Status.MEMBER, answered_at=at)
    posting = post(
        key=f"line.opened:{line.pk}",
        kind="line.opened",
        line=line,
        legs=[Leg(Account.AVAILABLE, Account.LIMIT, limit)],
        at=at,
        booked_on=timezone.localdate(at),
        by=by,
    )
    if application is None:
        # Whoever applied is told with the application's last step.
        notify_many(news.line_opened(line), now=at)
    content = {"line": line.number, "kind": kind, "bank": evidence.pseudonym(bank), "posting": posting.sha256}
    evidence.append(kind="line.opened", content=content, at=at)
    return line


def checked_terms(
    *,
    kind: str,
    bank: Organisation,
    parent: CreditLine | None,
    borrower: Organisation | None,
    limit: object,
    terms: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the terms of a line as its row has them.

    :raises InputRefused: naming each field that cannot be taken
    """
    errors: dict[str, list[str]] = {}
    amount = money(limit, "limit", errors)
    if bank.kind != Organisation.Kind.BANK:
        errors["bank"] = [_("Only a bank lends.")]
    if kind not in PARENTS or (parent and parent.kind) not in PARENTS[kind]:
        errors["parent"] = [_("A line of this kind does not hang there.")]
    elif parent and (parent.bank_id != bank.pk or parent.status == CreditLine.Status.CLOSED):
        errors["parent"] = [_("This line is closed, or another bank's.")]
    elif parent and amount and amount > parent.limit:
        errors["limit"] = [_("No more than the limit above it: %(limit)s.") % {"limit": f"{parent.limit:,.2f}"}]
    needs_borrower = kind in (Kind.CORE, Kind.MEMBER, Kind.SINGLE)
    if needs_borrower != bool(borrower):
        errors["borrower"] = [_("Say whose line it is.") if needs_borrower else _("This node is nobody's line.")]
    said = {"name": str(terms.get("name") or "").strip()[:120]}
    for field, low, high in (("rate_bp", 0, CreditLine.HIGHEST_RATE), ("penalty_bp", 0, 200), ("max_days", 1, 3660)):
        said[field] = _whole(terms.get(field), field, low, high, errors)
    said["repayment"] = str(terms.get("repayment") or "")
    if said["repayment"] not in ("", *METHODS):
        errors["repayment"] = [_("Choose one of these.")]
    said["starts_on"], said["ends_on"] = _day(terms, "starts_on", errors), _day(terms, "ends_on", errors)
    if not errors and said["ends_on"] < said["starts_on"]:
        errors["ends_on"] = [_("This day is before the first one.")]
    least = terms.get("least_score")
    said["least_score"] = None if least in (None, "") else _whole(least, "least_score", 0, 1000, errors)
    said["is_revolving"] = bool(terms.get("is_revolving", True))
    if errors:
        raise InputRefused(errors)
    return said


def _whole(value: object, field: str, low: int, high: int, errors: dict[str, list[str]]) -> int:
    try:
        number = int(str(DEFAULTS[field] if value in (None, "") and field in DEFAULTS else value))
    except ValueError:
        errors[field] = [_("Enter a whole number.")]
        return low
    if not low <= number <= high:
        errors[field] = [_("Enter a number from %(low)d to %(high)d.") % {"low": low, "high": high}]
    return number


DEFAULTS = {"rate_bp": 0, "penalty_bp": 50, "max_days": 360}


def _day(terms: Mapping[str, Any], field: str, errors: dict[str, list[str]]) -> date:
    value = terms.get(field)
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        try:
            value = date.fromisoformat(str(value))
        except ValueError:
            errors[field] = [_("Enter a date as 2026-03-31.")]
            return date.min
    return value


def require_usable(line: CreditLine, *, at: datetime) -> None:
    """Refuse a line that takes no new draws: it or a node above is frozen, not running, or the firm's score fell.

    :raises LineNotUsable: if one of the nodes is frozen, closed, not yet or no longer running
    :raises ScoreTooLow: if the firm's latest score is below what the line asks for, or it has none
    """
    today = timezone.localdate(at)
    usable = set(CreditLine.objects.usable(today).filter(pk__in=line.path).values_list("pk", flat=True))
    if not usable.issuperset(line.path):
        raise LineNotUsable(_("This line takes no new draws now: it is frozen, closed, or its time has passed."))
    if line.least_score is None:
        return
    latest = latest_score(line)
    if latest is None or latest.score < line.least_score:
        raise ScoreTooLow(
            _("The line asks for a score of at least %(least)d; the latest is %(score)s. Open loans go on unchanged.")
            % {"least": line.least_score, "score": latest.score if latest else _("not known")}
        )


def latest_score(line: CreditLine) -> CreditAssessment | None:
    """Return the newest assessment of the line's firm: by the bank's own model, else by the platform's."""
    found = CreditAssessment.objects
    return found.latest_of(line.borrower, bank=line.bank) or found.latest_of(line.borrower)


def available_in(line: CreditLine) -> Decimal:
    """Return what can be drawn under a line: the least that any node of its path has left."""
    return max(min(node.available for node in CreditLine.objects.filter(pk__in=line.path)), Decimal(0))
