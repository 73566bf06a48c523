"""What firm and bank are told of an application, in both languages."""

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse

from finance.models import Application, Decision
from marketplace.models import Announcement, Organisation


def news(
    application: Application,
    event: str,
    titles: tuple[str, str],
    *,
    to: Iterable[Organisation],
    at: datetime,
    bodies: tuple[str, str] = ("", ""),
    **data: object,
) -> list[Announcement]:
    """Return a fact of the application for these sides; the version tells it from others of the same event."""
    return [
        Announcement(
            event=event,
            deduplication_key=f"{event}:{application.pk}:{application.version}:{at:%Y%m%d}",
            organisation=organisation,
            title_zh=titles[0],
            title_en=titles[1],
            body_zh=bodies[0],
            body_en=bodies[1],
            url=page_of(application, organisation),
            data={"application": application.number, "status": application.status, **data},
        )
        for organisation in to
    ]


def page_of(application: Application, organisation: Organisation) -> str:
    name = "finance:bank_application" if organisation.pk == application.bank_id else "finance:application_detail"
    return reverse(name, args=[application.pk])


def _names(organisation: Organisation) -> tuple[str, str]:
    return organisation.name_zh or organisation.name_en, organisation.name_en or organisation.name_zh


def submitted(application: Application, *, at: datetime) -> list[Announcement]:
    zh, en = _names(application.firm)
    titles = (f"“{zh}”提交了授信申请 {application.number}", f"“{en}” applied for credit: {application.number}")
    return news(application, "credit.submitted", titles, to=[application.bank], at=at)


def more_asked(application: Application, text: str, *, at: datetime) -> list[Announcement]:
    zh, en = _names(application.bank)
    titles = (f"“{zh}”请您补充申请 {application.number} 的材料", f"“{en}” asks for more about {application.number}")
    return news(application, "credit.more_asked", titles, to=[application.firm], at=at, bodies=(text, text))


def answered(application: Application, *, at: datetime) -> list[Announcement]:
    zh, en = _names(application.firm)
    titles = (f"“{zh}”已补充申请 {application.number}", f"“{en}” answered about {application.number}")
    return news(application, "credit.answered", titles, to=[application.bank], at=at)


def proposed(application: Application, *, at: datetime) -> list[Announcement]:
    number = application.number
    titles = (f"申请 {number} 等待复核", f"{number} waits for a checker")
    return news(application, "credit.proposed", titles, to=[application.bank], at=at)


def second_wanted(application: Application, *, at: datetime) -> list[Announcement]:
    number = application.number
    titles = (f"申请 {number} 等待第二位复核人", f"{number} waits for a second checker")
    return news(application, "credit.proposed", titles, to=[application.bank], at=at, step="second")


def sent_back(application: Application, text: str, *, at: datetime) -> list[Announcement]:
    number = application.number
    titles = (f"申请 {number} 被复核退回", f"The checker sent {number} back")
    return news(application, "credit.sent_back", titles, to=[application.bank], at=at, bodies=(text, text))


def decided(application: Application, decision: Decision, *, at: datetime) -> list[Announcement]:
    zh, en = _names(application.bank)
    if decision.outcome == Decision.Outcome.APPROVE:
        titles = (
            f"“{zh}”批准了您的授信申请 {application.number}",
            f"“{en}” approved your application {application.number}",
        )
        bodies = ("请由所有者在有效期内确认并签署。", "An owner may accept and sign it while the offer stands.")
    else:
        titles = (
            f"“{zh}”未批准您的授信申请 {application.number}",
            f"“{en}” refused your application {application.number}",
        )
        reasons = decision.refusal_reasons
        bodies = ("；".join(one["zh"] for one in reasons), "; ".join(one["en"] for one in reasons))
    sides = [application.firm]
    return news(application, "credit.decided", titles, to=sides, at=at, bodies=bodies, outcome=decision.outcome)


def accepted(application: Application, *, at: datetime) -> list[Announcement]:
    zh, en = _names(application.firm)
    titles = (f"“{zh}”接受了授信 {application.number} 并已签署", f"“{en}” accepted and signed {application.number}")
    return news(application, "credit.accepted", titles, to=[application.bank], at=at)


def line_opened(application: Application, *, at: datetime) -> list[Announcement]:
    """Tell the bank; the firm hears it with the line's own figures."""
    number = application.number
    titles = (f"申请 {number} 的授信额度已开立", f"The line of {number} is open")
    return news(application, "credit.line_opened", titles, to=[application.bank], at=at)


def withdrawn(application: Application, *, at: datetime) -> list[Announcement]:
    zh, en = _names(application.firm)
    titles = (f"“{zh}”撤回了申请 {application.number}", f"“{en}” withdrew {application.number}")
    return news(application, "credit.withdrawn", titles, to=[application.bank], at=at)


def lapsed(application: Application, *, was_draft: bool, at: datetime) -> list[Announcement]:
    number = application.number
    titles = (f"申请 {number} 超时，已失效", f"{number} lapsed: its time was over")
    sides = [application.firm] if was_draft else [application.firm, application.bank]
    return news(application, "credit.lapsed", titles, to=sides, at=at)


def left_waiting(application: Application, *, at: datetime) -> list[Announcement]:
    number = application.number
    titles = (f"申请 {number} 已超过处理时限", f"{number} has waited longer than it should")
    return news(application, "credit.left_waiting", titles, to=[application.bank], at=at)
