from celery import shared_task
from django.utils import timezone

from marketplace.models import Digest, Mail, Notification, ShortMessage
from marketplace.runs.digests import gather_digests, send_digest
from marketplace.runs.mails import send_mail
from marketplace.runs.notifications import send_notification
from marketplace.runs.sending import send_round
from marketplace.runs.short_messages import send_short_message


@shared_task(name="marketplace.tasks.send_notifications")
def send_notifications(channel: str, endpoint_id: int | None = None) -> None:
    """Send what is due on a channel, or at one endpoint; slow receivers keep nobody else waiting."""
    if send_round(Notification.objects.lane(channel, endpoint_id), send_notification, timezone.now):
        send_notifications.delay(channel, endpoint_id)


@shared_task(name="marketplace.tasks.send_mails")
def send_mails() -> None:
    if send_round(Mail.objects.all(), send_mail, timezone.now):
        send_mails.delay()


@shared_task(name="marketplace.tasks.send_short_messages")
def send_short_messages() -> None:
    if send_round(ShortMessage.objects.all(), send_short_message, timezone.now):
        send_short_messages.delay()


@shared_task(name="marketplace.tasks.send_digests")
def send_digests() -> None:
    """Gather and send the day's mails; scheduled every few minutes, so that a morning missed is made good."""
    if gather_digests(timezone.now()) and send_round(Digest.objects.all(), send_digest, timezone.now):
        send_digests.delay()


def ring_for_sendings() -> None:
    """Take back what dead workers held, and ring for what is due and was not heard of."""
    now = timezone.now()
    for rows in (Notification.objects, Mail.objects, ShortMessage.objects, Digest.objects):
        rows.release_abandoned(now)
    for channel, endpoint_id in Notification.objects.overdue(now).lanes():
        send_notifications.delay(channel, endpoint_id)
    if Mail.objects.overdue(now).exists():
        send_mails.delay()
    if ShortMessage.objects.overdue(now).exists():
        send_short_messages.delay()
    if Digest.objects.overdue(now).exists():
        send_digests.delay()
