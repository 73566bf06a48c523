from collections.abc import Collection

from django.core import signing
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.user import User


class Channel(models.TextChoices):
    IN_APP = "in_app", _("In the app")
    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")
    SMS = "sms", _("SMS")
    WECOM = "wecom", _("WeCom robot")
    DINGTALK = "dingtalk", _("DingTalk robot")


class SubscriptionQuerySet(models.QuerySet):
    def chosen(self, users: Collection[int], events: Collection[str]) -> dict[tuple[int, str, str], str]:
        """Return how often, by user, event and channel, where they said so."""
        rows = self.filter(user__in=users, event__in=events).values_list("user", "event", "channel", "frequency")
        return {(user, event, channel): frequency for user, event, channel, frequency in rows}


class Subscription(models.Model):
    """How often a user wants to be told of an event on a channel; without a row the default of the channel holds."""

    class Frequency(models.TextChoices):
        AT_ONCE = "at_once", _("At once")
        DAILY = "daily", _("Once a day")
        NEVER = "never", _("Never")

    # The channels that a user chooses for himself; an organisation's endpoints say themselves which events they want.
    DEFAULTS = {
        Channel.IN_APP: Frequency.AT_ONCE,
        Channel.EMAIL: Frequency.AT_ONCE,
        Channel.SMS: Frequency.NEVER,
    }

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="subscriptions")
    event = models.CharField(_("event"), max_length=60)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    frequency = models.CharField(_("how often"), max_length=10, choices=Frequency)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="subscription_once_per_event_and_channel", fields=["user", "event", "channel"]
            ),
            models.CheckConstraint(
                name="subscription_channel_is_a_users_own", condition=Q(channel__in=["in_app", "email", "sms"])
            ),
            models.CheckConstraint(
                name="subscription_daily_is_for_mails", condition=~Q(frequency="daily") | Q(channel="email")
            ),
        ]

    def __str__(self):
        return f"{self.user_id} {self.event} {self.channel}: {self.frequency}"


# Stands for all events whose mails a user gets once a day.
DAILY_MAILS = "daily"


def unsubscribe_token(user: User, event: str) -> str:
    """Return what a link in a mail carries, so that its reader can stop such mails without logging in."""
    return signing.dumps([user.pk, event], salt="unsubscribe")


def read_unsubscribe_token(token: str) -> tuple[int, str]:
    """Return the user's id and the event.

    :raises django.core.signing.BadSignature: if we did not write it
    """
    user_id, event = signing.loads(token, salt="unsubscribe")
    return user_id, event
