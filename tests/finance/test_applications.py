import datetime as dt
from decimal import Decimal

import pytest

from finance.models import Application, CreditLine, Decision
from tests.factories_application import scene

pytestmark = pytest.mark.django_db
D = Decimal
Status = Application.Status


@pytest.fixture
def made(now):
    return scene(now)


def test_life_goes_from_draft_to_an_open_line(made):
    application = made.open()

    assert application.status == Status.ACTIVE
    line = CreditLine.objects.get(application=application)
    assert (line.limit, line.rate_bp, line.least_score) == (D(2_000_000), 420, 600)
    assert [event.kind for event in application.events.order_by("pk")] == [
        "begun",
        "submitted",
        "taken",
        "proposed",
        "approved",
        "accepted",
        "signed",
        "line_opened",
    ]
    decision = Decision.objects.get(application=application)
    assert (decision.recommended, decision.is_override, decision.maker, decision.checker) == (
        "approve",
        False,
        made.maker,
        made.checker,
    )
