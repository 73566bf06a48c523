"""Exhibitions with booths, valid by default: two days in April, in a hall of a park in Yuhuan."""

import datetime as dt
from decimal import Decimal

import factory

from marketplace.models import Booth, BoothBooking, Exhibition, Facility, Visit
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_park import FacilityFactory

# Nine in the morning of 14 April 2026 in Shanghai, and the evening of the next day.
OPENING = dt.datetime(2026, 4, 14, 1, tzinfo=dt.UTC)
CLOSING = dt.datetime(2026, 4, 15, 9, tzinfo=dt.UTC)


class HallFactory(FacilityFactory):
    kind = Facility.Kind.EXHIBITION_HALL


class ExhibitionFactory(factory.django.DjangoModelFactory):
    """An announced exhibition; ``status="planned", announced_at=None`` for one that nobody sees yet."""

    class Meta:
        model = Exhibition

    hall = factory.SubFactory(HallFactory)
    park = factory.SelfAttribute("hall.park")
    title_zh = "春季泵阀展"
    title_en = "Spring valve fair"
    starts_at = OPENING
    ends_at = CLOSING
    status = Exhibition.Status.ANNOUNCED
    created_by = factory.SubFactory(UserFactory)
    created_at = NOON
    announced_at = NOON


class BoothFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Booth

    exhibition = factory.SubFactory(ExhibitionFactory)
    number = factory.Sequence(lambda n: f"A{n}")
    price = Decimal(3000)


class BoothBookingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = BoothBooking
        skip_postgeneration_save = True

    booth = factory.SubFactory(BoothFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    booked_by = factory.SubFactory(UserFactory)
    booked_at = NOON

    @factory.post_generation
    def listings(self, create, listings, **options):
        self.listings.set(listings or [])


class VisitFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Visit

    exhibition = factory.SubFactory(ExhibitionFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    origin = Visit.Origin.OWN
    status = Visit.Status.ACCEPTED
    created_at = NOON
    answered_at = NOON
