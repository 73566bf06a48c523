"""A bank's owner says who may confirm up to which amount."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import Authority, Decision
from marketplace.models import Membership, Organisation, User
from marketplace.services.organisations import require_role


class NotToOneself(RuleBroken):
    """An owner gives authority to others, never to himself."""


class AuthorityAlreadyEnded(RuleBroken):
    pass


class NoAuthority(RuleBroken):
    """The checker's authority does not reach so far."""


@transaction.atomic
def give_authority(
    *,
    bank: Organisation,
    user: User,
    up_to_amount: Decimal,
    jointly_up_to: Decimal | None,
    by: User,
    now: datetime,
    may_override: bool = False,
    reference: str = "",
) -> Authority:
    """Let a checker confirm up to an amount; what stood before ends, and stays to be read.

    :raises OnlyOwnersMay: if ``by`` does not own the bank
    :raises NotToOneself: if somebody wants to give himself authority
    :raises InputRefused: if the person is no checker of the bank, or the amounts are in no order
    """
    require_role(by, bank, Membership.Role.OWNER)
    if user == by:
        raise NotToOneself(_("Another owner has to give you authority: nobody gives it to himself."))
    errors: dict[str, list[str]] = {}
    if not bank.memberships.filter(user=user, role=Membership.Role.CHECKER).exists():
        errors["user"] = [_("Only a checker of this bank can be given authority.")]
    jointly = up_to_amount if jointly_up_to is None else jointly_up_to
    if up_to_amount <= 0:
        errors["up_to_amount"] = [_("Must be greater than zero.")]
    if jointly < up_to_amount:
        errors["jointly_up_to"] = [_("Two people together may confirm no less than one alone.")]
    if errors:
        raise InputRefused(errors)
    # Locked, so that two owners who act at once leave one standing.
    Organisation.objects.select_for_update(no_key=True).get(pk=bank.pk)
    Authority.objects.filter(bank=bank, user=user, ended_at=None).update(ended_at=now, ended_by=by)
    return Authority.objects.create(
        bank=bank,
        user=user,
        up_to_amount=up_to_amount,
        jointly_up_to=jointly,
        may_override=may_override,
        reference=reference.strip()[:100],
        given_by=by,
        given_at=now,
    )


@transaction.atomic
def end_authority(*, authority: Authority, by: User, now: datetime) -> Authority:
    """Take an authority back; what was decided under it stands.

    :raises OnlyOwnersMay: if ``by`` does not own the bank
    :raises AuthorityAlreadyEnded: if it ended before
    """
    require_role(by, authority.bank, Membership.Role.OWNER)
    if not Authority.objects.filter(pk=authority.pk, ended_at=None).update(ended_at=now, ended_by=by):
        raise AuthorityAlreadyEnded(_("This authority has ended already."))
    authority.refresh_from_db()
    return authority


def amount_to_decide(decision: Decision) -> Decimal:
    """Return the amount that the checker's authority is measured by: what is approved; to refuse asks for none."""
    return decision.amount if decision.outcome == Decision.Outcome.APPROVE else Decimal(0)


def authority_for(*, decision: Decision, bank: Organisation, by: User, at: datetime) -> tuple[Authority, bool]:
    """Return the authority under which this person may confirm, and whether a second checker is needed too.

    One person confirms up to ``up_to_amount``. Above it two checkers do, each with an authority that reaches so far
    jointly; above that nobody may, until the bank's owner gives more.

    :raises NoAuthority: if there is none, it does not reach so far, or it leaves out overrides
    """
    authority = (
        Authority.objects.filter(bank=bank, user=by, currency=decision.application.currency).standing(at).first()
    )
    if authority is None:
        raise NoAuthority(_("You have no authority to confirm: the bank's owner gives it."))
    if decision.is_generous and not authority.may_override:
        raise NoAuthority(_("Your authority does not extend to overrides."))
    amount = amount_to_decide(decision)
    if amount <= authority.up_to_amount:
        return authority, False
    if amount <= authority.jointly_up_to:
        return authority, True
    raise NoAuthority(
        _("%(amount)s is above your authority of %(most)s.")
        % {"amount": f"{amount:,.2f}", "most": f"{authority.jointly_up_to:,.2f}"}
    )


def require_authority(*, bank: Organisation, by: User, amount: Decimal, currency: str, at: datetime) -> None:
    """Refuse a checker whose own authority does not reach an amount that one person checks: a line, a drawdown.

    A bank whose owner has given nobody authority yet leaves it to every checker.

    :raises NoAuthority: if it does not reach so far
    """
    standing = Authority.objects.filter(bank=bank, currency=currency).standing(at)
    if not standing.exists() or standing.filter(user=by).enough_for(amount).exists():
        return
    message = _("%(amount)s is above what you may confirm alone: the bank's owner gives more, or another checker acts.")
    raise NoAuthority(message % {"amount": f"{amount:,.2f}"})
