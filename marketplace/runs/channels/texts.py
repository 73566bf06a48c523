from django.conf import settings
from django.utils.translation import override

from marketplace.models import Notification

# What the robots take, in bytes.
LONGEST_TEXT = 2000


def absolute(path: str) -> str:
    """Return the address of a page of this site as readers elsewhere need it."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if path.startswith("/") else path


def plain_text(notification: Notification, *, keyword: str = "", language: str = "zh-hans") -> str:
    """Return title, body and link as one plain text.

    Plain, because titles carry what other firms wrote: in Markdown they could pose as links of ours.
    """
    with override(language):
        parts = [keyword, notification.title, notification.body]
    link = absolute(notification.url)
    text = "\n".join(part for part in parts if part)
    room = LONGEST_TEXT - len(link.encode()) - 1
    return f"{text.encode()[:room].decode('utf-8', 'ignore')}\n{link}".strip()
