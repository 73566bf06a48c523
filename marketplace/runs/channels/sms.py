"""Short messages through a gateway of the operator's choice: a JSON post that most providers' adapters understand."""

import json
from datetime import datetime

from django.conf import settings
from django.utils.translation import override

from marketplace.models import Notification
from marketplace.runs.channels.outcome import Outcome, Result
from marketplace.runs.channels.outgoing import post
from marketplace.runs.channels.texts import absolute


def send(notification: Notification, now: datetime) -> Outcome:
    """Post {to, text, id}; the id lets the gateway drop a repeat."""
    if not settings.SMS_GATEWAY_URL:
        return Outcome(result=Result.PERMANENT, detail="No SMS gateway is set (SMS_GATEWAY_URL).")
    if not notification.user.phone:
        return Outcome(result=Result.PERMANENT, detail="The user has no phone number.")
    with override(notification.user.language):
        text = f"{notification.title} {absolute(notification.url)}".strip()
    content = json.dumps(
        {"to": notification.user.phone, "text": text, "id": notification.message_id}, ensure_ascii=False
    ).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {settings.SMS_GATEWAY_TOKEN}"}
    return post(settings.SMS_GATEWAY_URL, content=content, headers=headers, is_operators_own=True).outcome()
