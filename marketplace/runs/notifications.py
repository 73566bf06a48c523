from datetime import datetime

from django.db import transaction
from django.urls import reverse

from marketplace.models import Announcement, Notification, WebhookAttempt, WebhookEndpoint
from marketplace.models.webhook import FAILURES_TOO_MANY
from marketplace.runs.channels import SEND
from marketplace.runs.channels.outcome import Outcome, Result
from marketplace.runs.sending import pause, settle

SWITCHED_OFF = "The endpoint was switched off."
WHY = {
    WebhookEndpoint.DisabledReason.GONE: ("对方表示不再接收。", "The receiver says that it wants nothing more."),
    WebhookEndpoint.DisabledReason.FAILING: (
        f"连续失败 {FAILURES_TOO_MANY} 次。",
        f"It failed {FAILURES_TOO_MANY} times in a row.",
    ),
}


def send_notification(notification: Notification, now: datetime) -> None:
    """Tell one recipient on one channel, and write what came of it."""
    endpoint = notification.endpoint
    if endpoint is not None and endpoint.disabled_at:
        Notification.objects.fail(notification, now=now, failure=SWITCHED_OFF)
        return
    outcome = SEND[notification.channel](notification, now)
    if endpoint is None:
        settle(notification, outcome, now)
    else:
        _settle_at_endpoint(notification, outcome, now)


@transaction.atomic
def _settle_at_endpoint(notification: Notification, outcome: Outcome, now: datetime) -> None:
    """Write the outcome into the delivery log, and let the endpoint's other messages know what to expect."""
    endpoints = WebhookEndpoint.objects
    # Locked first, by whoever writes about its messages, so that no two wait for one another in a circle.
    endpoint = endpoints.select_for_update().filter(pk=notification.endpoint_id).first()
    if endpoint is None:
        return  # Its owner removed it in the meantime, and its messages with it.
    WebhookAttempt.objects.create(
        notification=notification,
        at=now,
        status_code=outcome.status_code,
        error=outcome.detail[:500],
        duration_ms=outcome.duration_ms,
    )
    settle(notification, outcome, now)
    if outcome.is_delivered:
        if endpoints.record_success(endpoint.pk):
            Notification.objects.held_back_at(endpoint).update(due_at=now)
        return
    failures = endpoint.failures_in_a_row + 1
    retry_at = now + pause(failures, outcome)
    endpoints.record_failure(endpoint.pk, retry_at=retry_at)
    if outcome.result is Result.GONE:
        _disable(endpoint, WebhookEndpoint.DisabledReason.GONE, outcome, now)
    elif failures >= FAILURES_TOO_MANY:
        _disable(endpoint, WebhookEndpoint.DisabledReason.FAILING, outcome, now)
    else:
        # One message at a time tries whether the endpoint is back; the others wait for it.
        Notification.objects.waiting_at(endpoint).filter(due_at__lt=retry_at).update(due_at=retry_at)


def _disable(
    endpoint: WebhookEndpoint, reason: WebhookEndpoint.DisabledReason, outcome: Outcome, now: datetime
) -> None:
    """Send nothing more there and tell the owners, once."""
    if not WebhookEndpoint.objects.disable(endpoint.pk, now=now, reason=reason):
        return
    Notification.objects.waiting_at(endpoint).update(
        status=Notification.Status.FAILED, finished_at=now, failure=SWITCHED_OFF
    )
    why_zh, why_en = WHY[reason]
    # The bell for these is beat's, as runs ring none: a minute more does not matter here.
    Notification.objects.announce(
        [
            Announcement(
                event="webhook_endpoint.disabled",
                deduplication_key=f"webhook_endpoint.disabled:{endpoint.pk}:{now.isoformat()}",
                organisation=endpoint.organisation,
                title_zh=f"已停止向 {endpoint.host} 推送",
                title_en=f"Sending to {endpoint.host} was switched off",
                body_zh=f"{why_zh}最后一次：{outcome.detail[:200]}。修好后可在页面上重新启用。",
                body_en=f"{why_en} The last time: {outcome.detail[:200]}. Switch it on again on its page when it is mended.",
                url=reverse("marketplace:webhook_list", args=[endpoint.organisation_id]),
                data={"endpoint": endpoint.pk},
            )
        ],
        now=now,
    )
