"""Who may do what with an application, and when: one table that services ask, buttons show and tests walk."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from config.errors import RuleBroken
from finance.models import Actor, Application, Decision
from marketplace.models import Membership, User
from marketplace.services.organisations import OnlyMembersMay

Role = Membership.Role
Status = Application.Status
RUNNING_AT_THE_BANK = (
    Status.SUBMITTED,
    Status.IN_REVIEW,
    Status.MORE_ASKED,
    Status.PROPOSED,
    Status.APPROVED,
    Status.AGREED,
)


class ApplicationNotInStateForThis(RuleBroken):
    pass


class ApplicationChanged(RuleBroken):
    """Somebody else did something since the reader saw it."""


class MakerMayNotCheck(RuleBroken):
    """Who proposed, or had the case, is not the second pair of eyes."""


class AnotherHasThis(RuleBroken):
    """Another of the bank's makers works on it."""


class InterestedParty(RuleBroken):
    """Whoever belongs to the firm does not act for the bank."""


@dataclass(frozen=True)
class Action:
    """What may be done: by whom on which side, in which states; ``is_second`` is for another than the maker.

    ``by_holder`` is for the maker who took the application, ``not_by_holder`` for any other.
    """

    name: str
    label: str | Promise
    side: str
    roles: tuple[str, ...]
    states: tuple[str, ...]
    is_second: bool = False
    by_holder: bool = False
    not_by_holder: bool = False

    @property
    def is_of_firm(self) -> bool:
        return self.side == Actor.FIRM


def _firm(name: str, label: str | Promise, roles: Iterable[str], states: Iterable[str]) -> Action:
    return Action(name, label, Actor.FIRM, tuple(roles), tuple(states))


def _maker(name: str, label: str | Promise, states: Iterable[str], **options: bool) -> Action:
    return Action(name, label, Actor.MAKER, (Role.MAKER,), tuple(states), **options)


def _checker(name: str, label: str | Promise, states: Iterable[str]) -> Action:
    return Action(name, label, Actor.CHECKER, (Role.CHECKER,), tuple(states), is_second=True)


BEFORE_THE_END = (Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.MORE_ASKED, Status.PROPOSED, Status.APPROVED)

ACTIONS = {
    action.name: action
    for action in (
        _firm("edit", gettext_lazy("Change"), Membership.TRADING_ROLES, (Status.DRAFT,)),
        _firm("submit", gettext_lazy("Hand in"), Membership.TRADING_ROLES, (Status.DRAFT,)),
        _firm(
            "add_documents",
            gettext_lazy("Add documents"),
            Membership.TRADING_ROLES,
            (Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.MORE_ASKED),
        ),
        _firm("answer", gettext_lazy("Answer"), Membership.TRADING_ROLES, (Status.MORE_ASKED,)),
        _firm("withdraw", gettext_lazy("Withdraw"), Membership.TRADING_ROLES, BEFORE_THE_END),
        _firm("accept", gettext_lazy("Accept and sign"), (Role.OWNER,), (Status.APPROVED,)),
        _maker("take", gettext_lazy("Take into review"), (Status.SUBMITTED,)),
        _maker(
            "take_over",
            gettext_lazy("Take over"),
            (Status.IN_REVIEW, Status.MORE_ASKED),
            not_by_holder=True,
        ),
        _maker("ask_more", gettext_lazy("Ask for more"), (Status.IN_REVIEW,), by_holder=True),
        _maker("propose", gettext_lazy("Propose a decision"), (Status.IN_REVIEW,), by_holder=True),
        Action(
            "note",
            gettext_lazy("Write a note"),
            Actor.MAKER,
            (Role.MAKER, Role.CHECKER, Role.OWNER),
            RUNNING_AT_THE_BANK,
        ),
        _checker("confirm", pgettext_lazy("credit", "Confirm"), (Status.PROPOSED,)),
        _checker("send_back", gettext_lazy("Send back"), (Status.PROPOSED,)),
        _checker("countersign", gettext_lazy("Sign for the bank"), (Status.AGREED,)),
    )
}


class Standing(NamedTuple):
    """What a user is to an application: the role at the firm and at the bank, '' where there is none."""

    at_firm: str
    at_bank: str


@dataclass
class Allowed:
    """What a user may do with one application now; a template asks ``allowed.propose``."""

    names: frozenset[str] = field(default_factory=frozenset)

    def __getattr__(self, name: str) -> bool:
        if name in ACTIONS:
            return name in self.names
        raise AttributeError(name)


def standing_of(user: User, application: Application) -> Standing:
    """Return the user's roles at both sides, in one query."""
    sides = (application.firm_id, application.bank_id)
    roles = dict(user.memberships.filter(organisation__in=sides).values_list("organisation", "role"))
    return Standing(roles.get(application.firm_id, ""), roles.get(application.bank_id, ""))


def has_made(user: User, application: Application) -> bool:
    """Tell whether the user proposed a decision of this application, or has it in hand."""
    if application.maker_id == user.pk:
        return True
    return Decision.objects.filter(application=application, maker=user).exists()


def allowed(user: User, application: Application) -> Allowed:
    """Return what the user may do now; the service asks again when it is done."""
    standing = standing_of(user, application)
    made = has_made(user, application) if standing.at_bank else False
    return Allowed(
        frozenset(
            action.name
            for action in ACTIONS.values()
            if refusal(action, application.status, standing, user_id=user.pk, maker_id=application.maker_id, made=made)
            is None
        )
    )


def refusal(
    action: Action, status: str, standing: Standing, *, user_id: int, maker_id: int | None, made: bool
) -> type[RuleBroken] | None:
    """Return what stands against an action, or None: the one place that reads the table."""
    role = standing.at_firm if action.is_of_firm else standing.at_bank
    if role not in action.roles:
        return OnlyMembersMay
    if not action.is_of_firm and standing.at_firm:
        return InterestedParty
    if status not in action.states:
        return ApplicationNotInStateForThis
    if action.is_second and made:
        return MakerMayNotCheck
    if (action.by_holder and maker_id != user_id) or (action.not_by_holder and maker_id == user_id):
        return AnotherHasThis
    return None


def require(name: str, application: Application, by: User) -> None:
    """Refuse what the table does not allow.

    :raises OnlyMembersMay: if the user's role does not allow it; nobody else may either, superusers included
    :raises InterestedParty: if somebody of the firm wants to act for the bank
    :raises ApplicationNotInStateForThis: if its state does not allow it
    :raises MakerMayNotCheck: if the same person made what is to be checked
    :raises AnotherHasThis: if it is in another maker's hands
    """
    standing = standing_of(by, application)
    made = has_made(by, application) if standing.at_bank else False
    broken = refusal(
        ACTIONS[name], application.status, standing, user_id=by.pk, maker_id=application.maker_id, made=made
    )
    if broken is not None:
        raise broken(_message(broken, application))


def _message(broken: type[RuleBroken], application: Application) -> str:
    if broken is OnlyMembersMay:
        return _("Your role in the organisation does not allow this.")
    if broken is InterestedParty:
        return _("You belong to the firm that applies: somebody else of the bank has to do this.")
    if broken is MakerMayNotCheck:
        return _("You had this application in hand: another person has to check it.")
    if broken is AnotherHasThis:
        return _("This application is in other hands, or in yours already.")
    return not_in_state(application)


def not_in_state(application: Application) -> str:
    return _("Application %(number)s is “%(status)s”: this is not possible now.") % {
        "number": application.number,
        "status": application.get_status_display(),
    }
