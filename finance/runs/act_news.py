"""What is told about offline acts, in both languages."""

from datetime import datetime

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from finance.models import OfflineAct
from marketplace.models import Announcement, Organisation


def kind_words(act: OfflineAct) -> tuple[str, str]:
    """Return what the act is, in Chinese and English."""
    words = []
    for language in ("zh-hans", "en"):
        with override(language):
            words.append(str(act.get_kind_display()))
    return words[0], words[1]


def _fact(
    act: OfflineAct, event: str, to: Organisation, key: object, titles: tuple[str, str], note: str = ""
) -> Announcement:
    kind_zh, kind_en = kind_words(act)
    return Announcement(
        event=event,
        deduplication_key=f"{event}:{act.pk}:{to.pk}:{key}",
        organisation=to,
        title_zh=f"{titles[0]}：{kind_zh}（{act.target.number}）",
        title_en=f"{titles[1]}: {kind_en} ({act.target.number})",
        body_zh=note,
        body_en=note,
        url=reverse("finance:act_detail", args=[act.pk]),
        data={"act": act.pk, "kind": act.kind, "about": act.target.number, "status": act.status},
    )


def expected(act: OfflineAct) -> Announcement:
    """Tell who has to do and record it, and until when."""
    until = f"{timezone.localtime(act.due_by):%Y-%m-%d %H:%M}"
    titles = f"{until} 前请办理并登记", f"To be done and recorded by {until}"
    return _fact(act, "act.expected", act.recorder, "expected", titles, act.about)


def recorded(act: OfflineAct) -> Announcement:
    """Tell those who may confirm it."""
    titles = "待第二人复核", "Waits for the second person"
    return _fact(act, "act.recorded", act.confirmer, act.recorded_at.isoformat(), titles)


def reminded(act: OfflineAct) -> Announcement:
    titles = "复核已超时", "Still waits for the second person"
    return _fact(act, "act.overdue", act.confirmer, f"confirm:{act.recorded_at.isoformat()}", titles)


def sent_back(act: OfflineAct, *, at: datetime) -> Announcement:
    """Tell who recorded it what is wrong."""
    titles = "登记被退回", "Sent back"
    return _fact(act, "act.sent_back", act.recorder, at.isoformat(), titles, act.refusal)


def overdue(act: OfflineAct) -> Announcement:
    return _fact(act, "act.overdue", act.recorder, "overdue", ("办理已超时", "Overdue"))


def given_up(act: OfflineAct) -> Announcement:
    titles = "长期未办理，已不再等待", "Nobody did it: it is no longer waited for"
    return _fact(act, "act.overdue", act.recorder, "given_up", titles)
