import pytest
from django.urls import reverse

from tests.factories import UserFactory
from tests.factories_park import (
    BookingFactory,
    FacilityClosureFactory,
    FeeFactory,
    PriceItemFactory,
    StatementFactory,
    WaitingEntryFactory,
)

pytestmark = pytest.mark.django_db


def test_platform_operator_looks_at_everything_of_parks(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    price, booking, entry = PriceItemFactory(), BookingFactory(), WaitingEntryFactory()
    FacilityClosureFactory(facility=price.facility)
    booking.events.create(kind="confirmed", at=booking.booked_at)
    fee, statement = FeeFactory(), StatementFactory()
    rows = {
        "park": price.facility.park,
        "facility": price.facility,
        "booking": booking,
        "waitingentry": entry,
        "fee": fee,
        "statement": statement,
    }

    for name, row in rows.items():
        assert client.get(reverse(f"admin:marketplace_{name}_changelist")).status_code == 200
        assert client.get(reverse(f"admin:marketplace_{name}_change", args=[row.pk])).status_code == 200
        assert client.get(reverse(f"admin:marketplace_{name}_add")).status_code == 403
