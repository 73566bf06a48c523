r"""Robots of DingTalk groups (钉钉自定义机器人): a JSON text, signed in the address where the robot asks for it.

https://open.dingtalk.com/document/robots/customize-robot-security-settings: sign = base64(HMAC-SHA256(secret,
timestamp + "\n" + secret)), timestamp in milliseconds; 200 with ``errcode`` 0 is success; at most 20 a minute.
"""

import base64
import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote_plus

from marketplace.models import Notification
from marketplace.runs.channels.outcome import Outcome
from marketplace.runs.channels.robot import post_text
from marketplace.runs.channels.texts import plain_text

# The system is busy; too many messages in this minute.
TEMPORARY_CODES = {-1, 130101, 410100}


def send(notification: Notification, now: datetime) -> Outcome:
    endpoint = notification.endpoint
    text = plain_text(notification, keyword=endpoint.keyword)
    return post_text(signed(endpoint.url, endpoint.secret, now), text, temporary_codes=TEMPORARY_CODES)


def signed(url: str, secret: str, now: datetime) -> str:
    """Return the address with time and signature, or as it is if the robot has no secret."""
    if not secret:
        return url
    timestamp = str(round(now.timestamp() * 1000))
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return f"{url}{'&' if '?' in url else '?'}timestamp={timestamp}&sign={quote_plus(base64.b64encode(digest))}"
