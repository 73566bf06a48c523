import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Block,
    Listing,
    Membership,
    Organisation,
    Report,
    UsccContest,
    User,
    WebhookEndpoint,
)
from marketplace.services import announcements
from marketplace.services.identifiers import check_organisation

# What the platform operator approved: with another of these it is another firm, and is looked at again.
IDENTITY_FIELDS = ("name_zh", "name_en", "identifier_type", "uscc", "foreign_identifier", "country")
TAKEN_CONSTRAINTS = re.compile(r"uscc|organisation_foreign_identifier_belongs_to_one")


class UsccAlreadyTaken(RuleBroken):
    """Another registered the firm first; ``organisation`` is theirs."""

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        identifier = organisation.uscc or organisation.foreign_identifier
        super().__init__(
            _(
                "%(identifier)s is already registered. If it is your firm, ask a colleague for an invitation, "
                "or contest the registration: the platform operator then decides on your evidence."
            )
            % {"identifier": identifier}
        )


class OnlyOwnersMay(RuleBroken):
    pass


class OnlyMembersMay(RuleBroken):
    pass


class OnlyPlatformOperatorMay(RuleBroken):
    pass


class OrganisationNotInStateForThis(RuleBroken):
    pass


class UsccContestAlreadyOpen(RuleBroken):
    pass


class UsccContestAlreadyDecided(RuleBroken):
    pass


class OwnOrganisationNotContestable(RuleBroken):
    pass


class OrganisationAlreadyBlocked(RuleBroken):
    pass


class OwnOrganisationNotBlockable(RuleBroken):
    pass


class ReportAlreadyOpen(RuleBroken):
    pass


class ReportAlreadyAnswered(RuleBroken):
    pass


def require_platform_operator(user: User) -> None:
    if not (user.is_active and user.is_staff):
        raise OnlyPlatformOperatorMay(_("Only the platform operator may do this."))


def require_role(user: User, organisation: Organisation, *roles: str) -> None:
    """Refuse unless the user is a member in one of these roles (in any, if none is named)."""
    memberships = organisation.memberships.filter(user=user)
    if not (memberships.filter(role__in=roles) if roles else memberships).exists():
        if roles == (Membership.Role.OWNER,):
            raise OnlyOwnersMay(_("Only an owner of the organisation may do this."))
        raise OnlyMembersMay(_("Your role in the organisation does not allow this."))


def _save_unless_taken(organisation: Organisation) -> None:
    try:
        with transaction.atomic():
            organisation.save()
    except IntegrityError as error:
        if not TAKEN_CONSTRAINTS.search(str(error)):
            raise
        same = (
            Q(uscc=organisation.uscc)
            if organisation.uscc
            else Q(
                identifier_type=organisation.identifier_type,
                country=organisation.country,
                foreign_identifier=organisation.foreign_identifier,
            )
        )
        raise UsccAlreadyTaken(Organisation.objects.exclude(pk=organisation.pk).get(same)) from error


@transaction.atomic
def register_organisation(
    *, by: User, now: datetime, kind: str = Organisation.Kind.ENTERPRISE, is_demo: bool = False, **profile: str
) -> Organisation:
    """Register a firm in the name of its first owner; the platform operator approves it before its listings go public.

    ``profile`` are fields of ``Organisation.PROFILE_FIELDS``.

    :raises InputRefused: naming each field that cannot be taken
    :raises UsccAlreadyTaken: if somebody registered it before; it can be contested
    """
    _refuse_unknown(profile)
    organisation = Organisation(kind=kind, is_demo=is_demo, created_at=now, **profile)
    if errors := check_organisation(organisation):
        raise InputRefused(errors)
    _save_unless_taken(organisation)
    Membership.objects.create(user=by, organisation=organisation, role=Membership.Role.OWNER, created_at=now)
    announcements.organisation_waits(organisation, now=now)
    return organisation


@transaction.atomic
def update_profile(*, organisation: Organisation, by: User, now: datetime, **profile: str) -> Organisation:
    """Change what the organisation says of itself; another name or identifier waits for approval again.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises InputRefused: naming each field that cannot be taken
    :raises UsccAlreadyTaken: if the identifier is another's
    """
    _refuse_unknown(profile)
    organisation = Organisation.objects.select_for_update().get(pk=organisation.pk)
    require_role(by, organisation, Membership.Role.OWNER)
    before = [getattr(organisation, field) for field in IDENTITY_FIELDS]
    for field, value in profile.items():
        setattr(organisation, field, value)
    if errors := check_organisation(organisation):
        raise InputRefused(errors)
    is_another = before != [getattr(organisation, field) for field in IDENTITY_FIELDS]
    if is_another and organisation.state in {Organisation.State.APPROVED, Organisation.State.REFUSED}:
        organisation.state, organisation.reviewed_at, organisation.reviewed_by = Organisation.State.PENDING, None, None
    _save_unless_taken(organisation)
    if is_another:
        _look_again(organisation, now)
        announcements.organisation_waits(organisation, now=now)
    return organisation


def _refuse_unknown(profile: dict) -> None:
    if unknown := set(profile) - set(Organisation.PROFILE_FIELDS):
        raise InputRefused({field: [_("An organisation has no such field.")] for field in sorted(unknown)})


def _look_again(organisation: Organisation, now: datetime) -> None:
    if organisation.listings.look_again(now):
        Listing.objects.announce()


def _review(
    organisation: Organisation, *, state: str, reachable_from: tuple, by: User, note: str, now: datetime
) -> None:
    require_platform_operator(by)
    # One UPDATE decides, so two operators cannot both decide.
    reviewed = Organisation.objects.filter(pk=organisation.pk, state__in=reachable_from).update(
        state=state, reviewed_at=now, reviewed_by=by, review_note=note
    )
    if not reviewed:
        organisation.refresh_from_db()
        raise OrganisationNotInStateForThis(
            _("“%(name)s” cannot be moved on from “%(state)s” to “%(wanted)s”.")
            % {
                "name": organisation.name,
                "state": organisation.get_state_display(),
                "wanted": Organisation.State(state).label,
            }
        )
    organisation.refresh_from_db()
    _look_again(organisation, now)
    announcements.organisation_reviewed(organisation, now=now)


@transaction.atomic
def approve_organisation(*, organisation: Organisation, by: User, now: datetime, note: str = "") -> None:
    """Let the organisation's listings go public.

    :raises OrganisationNotInStateForThis: if it is approved already
    """
    states = (Organisation.State.PENDING, Organisation.State.REFUSED, Organisation.State.SUSPENDED)
    _review(organisation, state=Organisation.State.APPROVED, reachable_from=states, by=by, note=note, now=now)


@transaction.atomic
def refuse_organisation(*, organisation: Organisation, by: User, now: datetime, note: str) -> None:
    """Refuse a registration, with a note that says why.

    :raises OrganisationNotInStateForThis: if it does not wait for approval
    """
    states = (Organisation.State.PENDING,)
    _review(organisation, state=Organisation.State.REFUSED, reachable_from=states, by=by, note=note, now=now)


@transaction.atomic
def suspend_organisation(*, organisation: Organisation, by: User, now: datetime, note: str) -> None:
    """Take an approved organisation's listings off the market until it is approved again.

    :raises OrganisationNotInStateForThis: if it is not approved
    """
    states = (Organisation.State.APPROVED,)
    _review(organisation, state=Organisation.State.SUSPENDED, reachable_from=states, by=by, note=note, now=now)


@transaction.atomic
def contest_uscc(*, organisation: Organisation, by: User, evidence: str, now: datetime) -> UsccContest:
    """Claim a firm that another registered; the platform operator decides on the evidence.

    :raises UsccContestAlreadyOpen: if this user's claim still waits
    :raises OwnOrganisationNotContestable: if the user is a member already
    """
    if not evidence.strip():
        raise InputRefused({"evidence": [_("Say why the firm is yours: licence number, website, who to call.")]})
    if organisation.memberships.filter(user=by).exists():
        raise OwnOrganisationNotContestable(_("You are a member of this organisation already."))
    contest, is_new = UsccContest.objects.get_or_create(
        organisation=organisation, claimant=by, decided_at=None, defaults={"evidence": evidence, "created_at": now}
    )
    if not is_new:
        raise UsccContestAlreadyOpen(_("Your claim waits for the platform operator already."))
    announcements.uscc_contested(contest, now=now)
    return contest


@transaction.atomic
def decide_contest(*, contest: UsccContest, is_upheld: bool, by: User, now: datetime, note: str = "") -> None:
    """Answer a claim; if it is upheld the claimant becomes the only member and owner.

    The former members' reach ends with it: open invitations are withdrawn, webhooks stop, open listings pause until
    the new owner has looked at them.

    :raises UsccContestAlreadyDecided: if somebody answered it first
    """
    require_platform_operator(by)
    outcome = UsccContest.Outcome.UPHELD if is_upheld else UsccContest.Outcome.REJECTED
    decided = UsccContest.objects.filter(pk=contest.pk, decided_at=None).update(
        outcome=outcome, decided_at=now, decided_by=by, note=note
    )
    if not decided:
        raise UsccContestAlreadyDecided(_("This claim was decided already."))
    contest.refresh_from_db()
    announcements.contest_decided(contest, now=now)
    if not is_upheld:
        return
    organisation = Organisation.objects.select_for_update().get(pk=contest.organisation_id)
    organisation.memberships.all().delete()
    organisation.invitations.pending().update(withdrawn_at=now)
    organisation.webhook_endpoints.filter(disabled_at=None).update(
        disabled_at=now, disabled_reason=WebhookEndpoint.DisabledReason.HANDED_OVER
    )
    Membership.objects.create(
        user=contest.claimant, organisation=organisation, role=Membership.Role.OWNER, created_at=now
    )
    if organisation.listings.become(Listing.Status.PAUSED, now=now):
        Listing.objects.announce()


@transaction.atomic
def block_organisation(*, organisation: Organisation, blocked: Organisation, by: User, now: datetime) -> Block:
    """Part two organisations: neither sees the other's listings nor is matched with them.

    :raises OwnOrganisationNotBlockable: if it is the same
    :raises OrganisationAlreadyBlocked: if it is blocked already
    """
    require_role(by, organisation, *Membership.TRADING_ROLES)
    if organisation.pk == blocked.pk:
        raise OwnOrganisationNotBlockable(_("An organisation cannot block itself."))
    block, is_new = Block.objects.get_or_create(
        organisation=organisation, blocked=blocked, defaults={"by": by, "created_at": now}
    )
    if not is_new:
        raise OrganisationAlreadyBlocked(_("“%(name)s” is blocked already.") % {"name": blocked.name})
    Listing.objects.announce()
    return block


@transaction.atomic
def unblock_organisation(*, block: Block, by: User, now: datetime) -> None:
    """Let the two see each other again; their open listings look for matches anew."""
    require_role(by, block.organisation, *Membership.TRADING_ROLES)
    Block.objects.filter(pk=block.pk).delete()
    _look_again(block.organisation, now)


@transaction.atomic
def report_organisation(
    *, organisation: Organisation, reason: str, text: str, by: User, now: datetime, listing: Listing | None = None
) -> Report:
    """Tell the platform operator that an organisation, or one of its listings, is not what it says.

    :raises ReportAlreadyOpen: if this user's report on it still waits
    """
    errors = {}
    if reason not in Report.Reason.values:
        errors["reason"] = [_("Choose one of the reasons.")]
    if not text.strip():
        errors["text"] = [_("Say what happened.")]
    if listing is not None and listing.organisation_id != organisation.pk:
        errors["listing"] = [_("This listing is another organisation's.")]
    if errors:
        raise InputRefused(errors)
    report, is_new = Report.objects.get_or_create(
        by=by,
        organisation=organisation,
        answered_at=None,
        defaults={"listing": listing, "reason": reason, "text": text, "created_at": now},
    )
    if not is_new:
        raise ReportAlreadyOpen(
            _("Your report on “%(name)s” is being looked at already.") % {"name": organisation.name}
        )
    return report


@transaction.atomic
def answer_report(*, report: Report, by: User, answer: str, now: datetime) -> None:
    """Close a report with what was found.

    :raises ReportAlreadyAnswered: if somebody answered it first
    """
    require_platform_operator(by)
    if not answer.strip():
        raise InputRefused({"answer": [_("Say what was found.")]})
    if not Report.objects.filter(pk=report.pk, answered_at=None).update(answered_at=now, answered_by=by, answer=answer):
        raise ReportAlreadyAnswered(_("This report was answered already."))
    report.refresh_from_db()
    announcements.report_answered(report, now=now)
