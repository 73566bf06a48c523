"""What members and others are told of when organisations and their people change, in both languages."""

from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from marketplace.models import Invitation, Membership, Organisation, Report, UsccContest, User
from marketplace.services.mails import request_mail
from marketplace.services.notifications import notify

REVIEWED = {
    Organisation.State.APPROVED: (
        "organisation.approved",
        "“{name}”已通过审核，信息现在对外可见",
        "“{name}” was approved: its listings are public now",
    ),
    Organisation.State.REFUSED: ("organisation.refused", "“{name}”未通过审核", "“{name}” was refused"),
    Organisation.State.SUSPENDED: ("organisation.suspended", "“{name}”已被暂停", "“{name}” was suspended"),
}


def _both(organisation: Organisation) -> tuple[str, str]:
    return organisation.name_zh or organisation.name_en, organisation.name_en or organisation.name_zh


def _tell(
    organisation: Organisation, event: str, key: str, titles: tuple[str, str], *, now: datetime, note: str = ""
) -> None:
    name_zh, name_en = _both(organisation)
    title_zh, title_en = titles
    notify(
        event=event,
        deduplication_key=key,
        organisation=organisation,
        title_zh=title_zh.format(name=name_zh),
        title_en=title_en.format(name=name_en),
        body_zh=note,
        body_en=note,
        url=reverse("marketplace:organisation_detail", args=[organisation.pk]),
        data={"organisation": organisation.pk},
        now=now,
    )


def organisation_waits(organisation: Organisation, *, now: datetime) -> None:
    """Tell the platform operator that an organisation waits for approval; demo data waits for nobody."""
    if organisation.is_demo:
        return
    name_zh, name_en = _both(organisation)
    notify(
        event="organisation.registered",
        deduplication_key=f"organisation.registered:{organisation.pk}:{now.isoformat()}",
        users=User.objects.filter(is_staff=True, is_active=True),
        title_zh=f"“{name_zh}”等待审核",
        title_en=f"“{name_en}” waits for approval",
        url=reverse("marketplace:review_queue"),
        data={"organisation": organisation.pk},
        now=now,
    )


def organisation_reviewed(organisation: Organisation, *, now: datetime) -> None:
    """Tell its members how the platform operator decided, and why."""
    event, *titles = REVIEWED[organisation.state]
    key = f"{event}:{organisation.pk}:{now.isoformat()}"
    _tell(organisation, event, key, tuple(titles), now=now, note=organisation.review_note)


def uscc_contested(contest: UsccContest, *, now: datetime) -> None:
    """Tell the owners that somebody claims their firm; who and why is the platform operator's to know."""
    titles = ("有人主张“{name}”的信用代码属于其企业", "Somebody claims that “{name}” is their firm")
    _tell(contest.organisation, "uscc.contested", f"uscc.contested:{contest.pk}", titles, now=now)


def contest_decided(contest: UsccContest, *, now: datetime) -> None:
    """Tell the claimant, who may still be no member."""
    name_zh, name_en = _both(contest.organisation)
    if contest.outcome == UsccContest.Outcome.UPHELD:
        titles = (
            f"您对“{name_zh}”的主张成立：您现在是所有者",
            f"Your claim of “{name_en}” was upheld: you are its owner now",
        )
    else:
        titles = f"您对“{name_zh}”的主张未成立", f"Your claim of “{name_en}” was rejected"
    _tell_user(contest.claimant, "uscc_contest.decided", contest, titles, contest.note, now)


def report_answered(report: Report, *, now: datetime) -> None:
    """Tell who reported."""
    name_zh, name_en = _both(report.organisation)
    titles = f"您对“{name_zh}”的举报已答复", f"Your report on “{name_en}” was answered"
    _tell_user(report.by, "report.answered", report, titles, report.answer, now)


def _tell_user(
    user: User, event: str, about: UsccContest | Report, titles: tuple[str, str], note: str, now: datetime
) -> None:
    title_zh, title_en = titles
    notify(
        event=event,
        deduplication_key=f"{event}:{about.pk}",
        users=[user],
        title_zh=title_zh,
        title_en=title_en,
        body_zh=note,
        body_en=note,
        url=reverse("marketplace:organisation_detail", args=[about.organisation_id]),
        data={"organisation": about.organisation_id},
        now=now,
    )


def member_joined(membership: Membership, *, now: datetime) -> None:
    """Tell the owners who came."""
    who = membership.user.username.replace("{", "").replace("}", "")
    titles = (f"{who} 加入了“{{name}}”", f"{who} joined “{{name}}”")
    key = f"member.joined:{membership.organisation_id}:{membership.pk}"
    _tell(membership.organisation, "member.joined", key, titles, now=now)


def member_removed(membership: Membership, *, now: datetime) -> None:
    """Tell whom an owner took out."""
    name_zh, name_en = _both(membership.organisation)
    notify(
        event="member.removed",
        deduplication_key=f"member.removed:{membership.organisation_id}:{membership.pk}",
        users=[membership.user],
        title_zh=f"您不再是“{name_zh}”的成员",
        title_en=f"You are no longer a member of “{name_en}”",
        data={"organisation": membership.organisation_id},
        now=now,
    )


def invitation_sent(invitation: Invitation, token: str, *, now: datetime) -> None:
    """Send the link of an invitation to its address, in the language its reader has here, or the sender's."""
    known = User.objects.filter(email__iexact=invitation.email).first()
    language = (known or invitation.invited_by).language
    link = settings.PUBLIC_URL + reverse("marketplace:invitation_detail", args=[token])
    with override(language):
        facts = {
            "name": invitation.organisation.name,
            "who": invitation.invited_by.username,
            "role": invitation.get_role_display(),
            "link": link,
            "days": (invitation.expires_at - now).days,
        }
        request_mail(
            to=invitation.email,
            language=language,
            subject=_("%(who)s invites you to “%(name)s”") % facts,
            body=_(
                "%(who)s invites you to join “%(name)s” as %(role)s.\n\n%(link)s\n\n"
                "The link works once, for %(days)d days. If you do not know the sender, do nothing."
            )
            % facts,
            now=now,
        )
