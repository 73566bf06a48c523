import json
from datetime import datetime

from django.conf import settings

from marketplace.models import ShortMessage
from marketplace.runs.channels.outcome import Outcome, Result
from marketplace.runs.channels.outgoing import post
from marketplace.runs.sending import settle


def send_short_message(message: ShortMessage, now: datetime) -> None:
    """Send a text to a phone through the operator's gateway; the id lets the gateway drop a repeat."""
    settle(message, _deliver(message), now)


def _deliver(message: ShortMessage) -> Outcome:
    if not settings.SMS_GATEWAY_URL:
        return Outcome(result=Result.PERMANENT, detail="No SMS gateway is set (SMS_GATEWAY_URL).")
    said = {"to": message.to, "text": message.text, "id": f"sms-{message.pk}"}
    headers = {"content-type": "application/json", "authorization": f"Bearer {settings.SMS_GATEWAY_TOKEN}"}
    content = json.dumps(said, ensure_ascii=False).encode()
    return post(settings.SMS_GATEWAY_URL, content=content, headers=headers, is_operators_own=True).outcome()
