import base64
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Announcement, Membership, Notification, Organisation, User, WebhookEndpoint
from marketplace.models.event import EVENTS, TEST_EVENT
from marketplace.models.notification import row_of_endpoint
from marketplace.runs.channels.outgoing import AddressRefusedError, check_url
from marketplace.services.notifications import ring_for
from marketplace.services.organisations import require_role

# How long the secret from before a rotation still signs beside the new one.
OLD_SECRET_LASTS = timedelta(hours=24)
ENDPOINTS_AT_MOST = 20


class EndpointIsSwitchedOff(RuleBroken):
    pass


class EndpointIsOn(RuleBroken):
    pass


class EndpointHasNoSecretOfOurs(RuleBroken):
    pass


class TooManyEndpoints(RuleBroken):
    pass


class NotificationIsNotFinished(RuleBroken):
    pass


@transaction.atomic
def add_endpoint(
    *,
    organisation: Organisation,
    url: str,
    by: User,
    now: datetime,
    kind: str = WebhookEndpoint.Kind.WEBHOOK,
    events: Iterable[str] = (),
    secret: str = "",
    keyword: str = "",
) -> WebhookEndpoint:
    """Tell an address from now on; the ``secret`` of a webhook is made here and is to be shown this once.

    ``secret`` and ``keyword`` come from the robot's own settings; no ``events`` means all of them.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises InputRefused: naming each field that cannot be taken
    :raises TooManyEndpoints: if the organisation has as many as it may
    """
    require_role(by, organisation, Membership.Role.OWNER)
    if kind not in WebhookEndpoint.Kind.values:
        raise InputRefused({"kind": [_("There is no such kind.")]})
    endpoint = WebhookEndpoint(
        organisation=organisation,
        kind=kind,
        url=url.strip(),
        events=sorted(set(events)),
        secret=secret.strip(),
        keyword=keyword.strip(),
        created_at=now,
    )
    errors = _check(endpoint)
    if kind == WebhookEndpoint.Kind.WEBHOOK:
        endpoint.secret, endpoint.keyword = make_secret(), ""
    elif kind == WebhookEndpoint.Kind.WECOM and endpoint.secret:
        errors["secret"] = [_("A WeCom robot has no secret: its address is enough.")]
    if len(endpoint.secret) > 100 or len(endpoint.keyword) > 40:
        errors.setdefault("secret" if len(endpoint.secret) > 100 else "keyword", []).append(_("This is too long."))
    if errors:
        raise InputRefused(errors)
    # Counted under the lock of the organisation, so that two owners at once cannot pass the limit together.
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    if organisation.webhook_endpoints.count() >= ENDPOINTS_AT_MOST:
        raise TooManyEndpoints(_("An organisation has %(count)d addresses at most.") % {"count": ENDPOINTS_AT_MOST})
    _save(endpoint)
    return endpoint


@transaction.atomic
def change_endpoint(
    *, endpoint: WebhookEndpoint, by: User, url: str | None = None, events: Iterable[str] | None = None
) -> WebhookEndpoint:
    """Change the address or the events of an endpoint; what is None stays as it is.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, endpoint.organisation, Membership.Role.OWNER)
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    endpoint.url = endpoint.url if url is None else url.strip()
    endpoint.events = endpoint.events if events is None else sorted(set(events))
    if errors := _check(endpoint):
        raise InputRefused(errors)
    _save(endpoint)
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint: WebhookEndpoint, by: User, now: datetime) -> str:
    """Return a new secret, to be shown this once; the old one signs as well for a day.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises EndpointHasNoSecretOfOurs: if it is a robot
    """
    require_role(by, endpoint.organisation, Membership.Role.OWNER)
    if endpoint.kind != WebhookEndpoint.Kind.WEBHOOK:
        raise EndpointHasNoSecretOfOurs(_("A robot's secret is made where the robot was: add it anew."))
    current = WebhookEndpoint.objects.select_for_update().get(pk=endpoint.pk)
    secret = make_secret()
    WebhookEndpoint.objects.filter(pk=current.pk).update(
        secret=secret, previous_secret=current.secret, previous_secret_until=now + OLD_SECRET_LASTS
    )
    return secret


@transaction.atomic
def enable_endpoint(*, endpoint: WebhookEndpoint, by: User) -> None:
    """Send there again; what was given up stays so until somebody sends it again.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises EndpointIsOn: if it is not switched off
    """
    require_role(by, endpoint.organisation, Membership.Role.OWNER)
    if not WebhookEndpoint.objects.enable(endpoint.pk):
        raise EndpointIsOn(_("This address is on already."))


@transaction.atomic
def remove_endpoint(*, endpoint: WebhookEndpoint, by: User) -> None:
    """Send nothing more there and forget its delivery log.

    :raises OnlyOwnersMay: if ``by`` is no owner
    """
    require_role(by, endpoint.organisation, Membership.Role.OWNER)
    # The same lock that a worker takes first, so that neither waits for the other in a circle.
    WebhookEndpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
    WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()


@transaction.atomic
def send_test(*, endpoint: WebhookEndpoint, by: User, now: datetime) -> Notification:
    """Send a message of no consequence, even while others wait because the endpoint failed.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises EndpointIsSwitchedOff: if nothing is sent there
    """
    require_role(by, endpoint.organisation, Membership.Role.OWNER)
    if endpoint.disabled_at:
        raise EndpointIsSwitchedOff(_("This address is switched off: switch it on first."))
    announcement = Announcement(
        event=TEST_EVENT,
        deduplication_key=f"{TEST_EVENT}:{uuid.uuid4()}",
        organisation=endpoint.organisation,
        title_zh="测试消息",
        title_en="A test message",
        body_zh="收到此消息说明推送地址可用。",
        body_en="If you read this, the address works.",
    )
    notification = row_of_endpoint(announcement, endpoint, now)
    notification.due_at = now
    notification.save(force_insert=True)
    ring_for([notification], now=now)
    return notification


@transaction.atomic
def send_again(*, notification: Notification, by: User, now: datetime) -> None:
    """Send a finished message of the delivery log once more, under its old id.

    :raises OnlyOwnersMay: if ``by`` is no owner
    :raises EndpointIsSwitchedOff: if nothing is sent there
    :raises NotificationIsNotFinished: if it still waits for a try of its own
    """
    require_role(by, notification.endpoint.organisation, Membership.Role.OWNER)
    if notification.endpoint.disabled_at:
        raise EndpointIsSwitchedOff(_("This address is switched off: switch it on first."))
    if not Notification.objects.reopen(notification.pk, now=now):
        raise NotificationIsNotFinished(_("This message is still being sent."))
    notification.refresh_from_db()
    ring_for([notification], now=now)


def make_secret() -> str:
    """Return a secret as Standard Webhooks write it, of 256 random bits."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _check(endpoint: WebhookEndpoint) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    try:
        check_url(endpoint.url)
    except AddressRefusedError as error:
        errors["url"] = [str(error)]
    if len(endpoint.url) > 500:
        errors["url"] = [_("This is too long.")]
    if unknown := [event for event in endpoint.events if event not in EVENTS or not EVENTS[event].is_for_endpoints]:
        errors["events"] = [_("There are no such events: %(events)s.") % {"events": ", ".join(unknown)}]
    return errors


def _save(endpoint: WebhookEndpoint) -> None:
    try:
        with transaction.atomic():
            endpoint.save()
    except IntegrityError as error:
        if "webhook_endpoint_once_per_address" not in str(error):
            raise
        raise InputRefused({"url": [_("The organisation has this address already.")]}) from error
