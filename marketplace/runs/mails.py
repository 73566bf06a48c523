from datetime import datetime

from django.utils.translation import override

from marketplace.models import Mail
from marketplace.runs.channels import email
from marketplace.runs.sending import settle


def send_mail(mail: Mail, now: datetime) -> None:
    """Send a mail to an address."""
    with override(mail.language):
        message = email.compose(
            "mail", identifier=f"mail-{mail.pk}", to=mail.to, subject=mail.subject, context={"body": mail.body}
        )
    settle(mail, email.deliver(message), now)
