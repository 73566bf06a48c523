from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import ngettext, override

from marketplace.models import Digest, Notification, User
from marketplace.models.sending import Sending
from marketplace.models.subscription import DAILY_MAILS
from marketplace.runs.channels import email
from marketplace.runs.channels.outcome import Outcome, Result
from marketplace.runs.channels.texts import absolute
from marketplace.runs.sending import settle

# When a day's mail goes out: at the start of a working day in China, whatever time zone the server keeps.
MORNING = time(9)
ZONE = ZoneInfo("Asia/Shanghai")


def last_morning(now: datetime) -> datetime:
    """Return the latest moment at which digests were due."""
    here = now.astimezone(ZONE)
    morning = datetime.combine(here.date(), MORNING, tzinfo=ZONE)
    return morning if morning <= here else morning - timedelta(days=1)


def gather_digests(now: datetime) -> int:
    """Give what was gathered before the last morning to one digest per user; return how many wait to be sent."""
    morning = last_morning(now)
    waiting = Notification.objects.waiting_for_digest(before=morning)
    for user in User.objects.filter(pk__in=waiting.values("user")):
        _gather(user, morning, now)
    return Digest.objects.due(now).count()


@transaction.atomic
def _gather(user: User, morning: datetime, now: datetime) -> None:
    digest, _is_new = Digest.objects.get_or_create(
        user=user, on=morning.date(), defaults={"requested_at": now, "due_at": now}
    )
    # A digest that was begun takes nothing more: a repeat must be the same mail. What came too late waits a day.
    if Digest.objects.select_for_update().filter(pk=digest.pk, status=Sending.Status.WAITING, attempt=0).exists():
        Notification.objects.waiting_for_digest(before=morning).filter(user=user).update(digest=digest)


def send_digest(digest: Digest, now: datetime) -> None:
    """Mail a user what was gathered, newest first."""
    outcome = _mail(digest)
    with transaction.atomic():
        if settle(digest, outcome, now):
            digest.refresh_from_db()
            digest.notifications.update(status=digest.status, finished_at=now, failure=digest.failure)


def _mail(digest: Digest) -> Outcome:
    if not digest.user.email:
        return Outcome(result=Result.PERMANENT, detail="The user has no e-mail address.")
    notifications = list(digest.notifications.order_by("-requested_at", "pk"))
    if not notifications:
        return Outcome(result=Result.DELIVERED)
    with override(digest.user.language):
        message = email.compose(
            "digest",
            identifier=f"digest-{digest.pk}",
            to=digest.user.email,
            subject=ngettext("%(count)d new message", "%(count)d new messages", len(notifications))
            % {"count": len(notifications)},
            context={"entries": [(notification, absolute(notification.url)) for notification in notifications]},
            unsubscribe=email.unsubscribe_link(digest.user, DAILY_MAILS),
        )
    return email.deliver(message)
