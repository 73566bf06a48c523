"""The channels on which people and systems are told: an adapter each, ``send(notification, now) -> Outcome``."""

from collections.abc import Callable
from datetime import datetime

from marketplace.models import Channel, Notification
from marketplace.runs.channels import dingtalk, email, sms, webhook, wecom
from marketplace.runs.channels.outcome import Outcome

# What is told in the app needs none: its row is its delivery.
SEND: dict[str, Callable[[Notification, datetime], Outcome]] = {
    Channel.EMAIL: email.send,
    Channel.WEBHOOK: webhook.send,
    Channel.SMS: sms.send,
    Channel.WECOM: wecom.send,
    Channel.DINGTALK: dingtalk.send,
}
