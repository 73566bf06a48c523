from datetime import datetime

from django.db import transaction

from marketplace.models import Mail
from marketplace.tasks.notifications import send_mails


@transaction.atomic
def request_mail(*, to: str, language: str, subject: str, body: str, now: datetime) -> Mail:
    """Have a mail sent to an address that may be no user's; the mail is a row, so no dead worker loses it."""
    mail = Mail.objects.create(
        to=to, language=language, subject=" ".join(subject.split())[:300], body=body, requested_at=now, due_at=now
    )
    send_mails.delay_on_commit()
    return mail
