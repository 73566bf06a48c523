"""Mails in the reader's language, as text with a simple HTML alternative."""

import smtplib
import ssl
import time
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import override

from marketplace.models import Notification, User
from marketplace.models.subscription import unsubscribe_token
from marketplace.runs.channels.outcome import Outcome, Result
from marketplace.runs.channels.texts import absolute

# For each step of the conversation with the mail server.
SECONDS_PER_STEP = 10


def send(notification: Notification, now: datetime) -> Outcome:
    """Mail the notification to its user."""
    if not notification.user.email:
        return Outcome(result=Result.PERMANENT, detail="The user has no e-mail address.")
    with override(notification.user.language):
        message = compose(
            "notification",
            identifier=f"notification-{notification.pk}",
            to=notification.user.email,
            subject=notification.title,
            context={"notification": notification, "link": absolute(notification.url)},
            unsubscribe=unsubscribe_link(notification.user, notification.event),
        )
    return deliver(message)


def unsubscribe_link(user: User, event: str) -> str:
    return absolute(reverse("marketplace:unsubscribe", args=[unsubscribe_token(user, event)]))


def compose(
    template: str, *, identifier: str, to: str, subject: str, context: dict, unsubscribe: str = ""
) -> EmailMultiAlternatives:
    """Return a mail whose Message-ID comes from its row, so that a repeat is seen to be one.

    With ``unsubscribe``, a link that needs no log-in, mail programs offer a button for it (RFC 8058).
    """
    context = {**context, "subject": subject, "unsubscribe": unsubscribe, "site": absolute("/")}
    headers = {"Message-ID": f"<{identifier}@{urlsplit(settings.PUBLIC_URL).hostname}>"}
    if unsubscribe:
        headers["List-Unsubscribe"] = f"<{unsubscribe}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message = EmailMultiAlternatives(
        subject=" ".join(subject.split()),
        body=render_to_string(f"marketplace/mail/{template}.txt", context),
        to=[to],
        headers=headers,
    )
    message.attach_alternative(render_to_string(f"marketplace/mail/{template}.html", context), "text/html")
    return message


def deliver(message: EmailMultiAlternatives) -> Outcome:
    """Hand a mail to the mail server."""
    begun = time.monotonic()
    message.connection = get_connection(timeout=SECONDS_PER_STEP)
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        code, reason = next(iter(error.recipients.values()))
        result, detail = _judge(code), f"{code}: {_text(reason)}"
    except smtplib.SMTPDataError as error:
        result, detail = _judge(error.smtp_code), f"{error.smtp_code}: {_text(error.smtp_error)}"
    except (smtplib.SMTPException, ssl.SSLError, OSError) as error:
        # No answer, or the server does not take mail from us at all: the operator's to mend, and no fault of this mail.
        result, detail = Result.TEMPORARY, f"{type(error).__name__}: {error}"
    else:
        result, detail = Result.DELIVERED, ""
    return Outcome(result=result, detail=detail, duration_ms=round(1000 * (time.monotonic() - begun)))


def _judge(code: int) -> Result:
    """Say what an answer about this very mail means: 4xx asks to come back later, 5xx refuses for good."""
    return Result.TEMPORARY if 400 <= code < 500 else Result.PERMANENT


def _text(reason: bytes | str) -> str:
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
