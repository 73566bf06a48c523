from datetime import datetime

from django.db import transaction

from marketplace.models import ShortMessage
from marketplace.tasks.notifications import send_short_messages


@transaction.atomic
def request_short_message(*, to: str, language: str, text: str, now: datetime) -> ShortMessage:
    """Have a text sent to a phone that may be no user's; it is a row, so no dead worker loses it."""
    message = ShortMessage.objects.create(to=to, language=language, text=text[:500], requested_at=now, due_at=now)
    send_short_messages.delay_on_commit()
    return message
