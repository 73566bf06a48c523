"""Robots of WeCom groups (企业微信群机器人): a JSON text posted to the robot's own address.

https://developer.work.weixin.qq.com/document/path/91770: 200 with ``errcode`` 0 is success; at most 20 a minute.
"""

from datetime import datetime

from marketplace.models import Notification
from marketplace.runs.channels.outcome import Outcome
from marketplace.runs.channels.robot import post_text
from marketplace.runs.channels.texts import plain_text

# The system is busy; too many messages in this minute.
TEMPORARY_CODES = {-1, 45009, 45033}


def send(notification: Notification, now: datetime) -> Outcome:
    endpoint = notification.endpoint
    text = plain_text(notification, keyword=endpoint.keyword)
    return post_text(endpoint.url, text, temporary_codes=TEMPORARY_CODES)
