import pytest

from marketplace.models import Booking, Facility, Park, PriceItem
from seeds.parks import book_demo, open_parks
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_park import ParkOperatorFactory

pytestmark = pytest.mark.django_db


def test_open_parks_and_book_demo_plant_what_the_services_allow(now):
    operator, users = UserFactory(), {name: UserFactory() for name in ("buyer", "seller")}
    firms = {name: OrganisationFactory(members__trader=user) for name, user in users.items()}
    firms["rival"] = OrganisationFactory()

    opened = open_parks(organisation=ParkOperatorFactory(members__operator=operator), by=operator, now=now)
    count = book_demo(opened, firms=firms, users=users, operator=operator, now=now)

    assert Park.objects.count() == 2
    assert Facility.objects.count() == len(opened.facilities) == 13
    assert set(Facility.objects.values_list("kind", flat=True)) == set(Facility.Kind)
    assert PriceItem.objects.count() > 20
    assert Booking.objects.active().count() == count
    assert Booking.objects.filter(status="requested").count() == 1
