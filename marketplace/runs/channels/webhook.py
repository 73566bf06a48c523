"""Webhooks as https://www.standardwebhooks.com says: an id that stays, a time, a signature, a JSON body."""

import json
from datetime import UTC, datetime

from standardwebhooks import Webhook

from marketplace.models import Notification, WebhookEndpoint
from marketplace.runs.channels.outcome import Outcome
from marketplace.runs.channels.outgoing import post
from marketplace.runs.channels.texts import absolute


def send(notification: Notification, now: datetime) -> Outcome:
    """Post the notification to its endpoint; a repeat has the same ``webhook-id`` and body, and a new signature."""
    identifier = notification.message_id
    content = body(notification)
    headers = {
        "content-type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signatures(notification.endpoint, identifier, content, now),
    }
    return post(notification.endpoint.url, content=content.encode(), headers=headers).outcome()


def body(notification: Notification) -> str:
    message = {
        "type": notification.event,
        "timestamp": notification.requested_at.astimezone(UTC).isoformat(),
        "data": {
            **notification.data,
            "organisation": notification.organisation_id,
            "title_zh": notification.title_zh,
            "title_en": notification.title_en,
            "url": absolute(notification.url),
        },
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def signatures(endpoint: WebhookEndpoint, identifier: str, content: str, now: datetime) -> str:
    """Sign with the secret, and for a day after a rotation with the old one too: the receiver takes either."""
    secrets = [endpoint.secret]
    if endpoint.previous_secret and now < endpoint.previous_secret_until:
        secrets.append(endpoint.previous_secret)
    at = now.astimezone(UTC)
    return " ".join(Webhook(secret).sign(msg_id=identifier, timestamp=at, data=content) for secret in secrets)
