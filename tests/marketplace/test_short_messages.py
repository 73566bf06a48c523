import pytest

from marketplace.models import ShortMessage
from marketplace.services.short_messages import request_short_message
from marketplace.tasks.notifications import send_short_messages
from tests.factories import NOON
from tests.fakes import HttpReceiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def message():
    return request_short_message(to="13905761234", language="zh-hans", text="验证码：123456", now=NOON)


def test_a_short_message_goes_through_the_operators_gateway_once(message, settings):
    settings.LOCAL_PROFILE = False  # the operator's own address may lie inside
    with HttpReceiver() as receiver:
        settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_TOKEN = receiver.url, "token"

        send_short_messages()
        send_short_messages()

        (request,) = receiver.received
    message.refresh_from_db()
    assert request.headers["authorization"] == "Bearer token"
    assert request.json == {"to": "13905761234", "text": "验证码：123456", "id": f"sms-{message.pk}"}
    assert (message.status, message.text) == ("done", "")


def test_without_a_gateway_it_says_what_to_set_and_keeps_no_code(message):
    send_short_messages()

    message = ShortMessage.objects.get()
    assert (message.status, message.failure) == ("failed", "No SMS gateway is set (SMS_GATEWAY_URL).")
    assert message.text == ""
