"""Parks, facilities and bookings for tests: a dock in Yuhuan, open on every day from 8 to 18 by slots of an hour."""

import datetime as dt

import factory

from marketplace.models import (
    Booking,
    Facility,
    FacilityClosure,
    FacilityHours,
    Fee,
    Membership,
    Organisation,
    Park,
    PriceItem,
    Statement,
    WaitingEntry,
)
from marketplace.models.booking import new_number
from marketplace.runs.bookings import span
from tests.factories import NOON, MembershipFactory, OrganisationFactory, UserFactory

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
# Ten in the morning of 3 March 2026 in Shanghai: open, and tomorrow.
TEN = NOON + dt.timedelta(hours=22)


class ParkOperatorFactory(OrganisationFactory):
    """The firm that runs parks; ``members__operator=user`` puts somebody to its desk."""

    class Meta:
        model = Organisation
        skip_postgeneration_save = True

    kind = Organisation.Kind.PARK_OPERATOR
    name_zh = factory.Sequence(lambda n: f"第{n}产业园运营公司")
    name_en = factory.Sequence(lambda n: f"Park Operation {n}")


class ParkFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Park
        skip_postgeneration_save = True

    organisation = factory.SubFactory(ParkOperatorFactory)
    code = factory.Sequence(lambda n: f"P{n:03d}")
    name_zh = factory.Sequence(lambda n: f"第{n}产业园")
    name_en = factory.Sequence(lambda n: f"Park {n}")
    region = "331083"
    address = "泵阀大道 1 号"
    created_at = NOON

    @factory.post_generation
    def staff(self, create, value, **roles):
        """``ParkFactory(staff__operator=user, staff__gatekeeper=other)``."""
        for role, user in roles.items():
            MembershipFactory(organisation=self.organisation, user=user, role=Membership.Role(role))


class FacilityFactory(factory.django.DjangoModelFactory):
    """A dock booked by slots of an hour; ``warehouse=True`` makes 100 t of shared capacity instead."""

    class Meta:
        model = Facility
        skip_postgeneration_save = True

    class Params:
        warehouse = factory.Trait(
            kind=Facility.Kind.WAREHOUSE,
            name_zh="成品仓库",
            name_en="Warehouse",
            mode=Facility.Mode.CAPACITY,
            capacity=100,
            unit="t",
        )

    park = factory.SubFactory(ParkFactory)
    code = factory.Sequence(lambda n: f"F{n:03d}")
    kind = Facility.Kind.DOCK
    name_zh = factory.Sequence(lambda n: f"{n} 号月台")
    name_en = factory.Sequence(lambda n: f"Dock {n}")
    mode = Facility.Mode.SLOT
    slot_minutes = 60
    free_until_hours = 4
    created_at = NOON
    updated_at = NOON

    @factory.post_generation
    def hours(self, create, value, **options):
        """``hours=()`` leaves it without; ``hours=[(1, time, time)]`` opens on Mondays only."""
        rows = value if value is not None else [(day, dt.time(8), dt.time(18)) for day in range(1, 8)]
        FacilityHours.objects.bulk_create(
            [FacilityHours(facility=self, weekday=day, opens=opens, closes=closes) for day, opens, closes in rows]
        )


class PriceItemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PriceItem

    facility = factory.SubFactory(FacilityFactory)
    kind = PriceItem.Kind.BOOKING
    per = "slot"
    price = "80"
    valid_from = dt.date(2026, 1, 1)
    created_by = factory.SubFactory(UserFactory)
    created_at = NOON


class FacilityClosureFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = FacilityClosure

    facility = factory.SubFactory(FacilityFactory)
    period = factory.LazyFunction(lambda: span(TEN, TEN + 2 * HOUR))
    reason = "检修"
    created_by = factory.SubFactory(UserFactory)
    created_at = NOON


class BookingFactory(factory.django.DjangoModelFactory):
    """A confirmed booking of tomorrow from ten to eleven; ``start`` and ``end`` say otherwise."""

    class Meta:
        model = Booking

    class Params:
        start = TEN
        end = factory.LazyAttribute(lambda booking: booking.start + HOUR)

    number = factory.LazyFunction(lambda: new_number(NOON))
    facility = factory.SubFactory(FacilityFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    mode = factory.SelfAttribute("facility.mode")
    slot = factory.LazyAttribute(lambda booking: span(booking.start, booking.end))
    quantity = factory.LazyAttribute(lambda booking: 10 if booking.facility.shares_capacity else None)
    unit = factory.LazyAttribute(lambda booking: booking.facility.unit)
    status = Booking.Status.CONFIRMED
    booked_by = factory.SubFactory(UserFactory)
    booked_at = NOON


class WaitingEntryFactory(factory.django.DjangoModelFactory):
    """Waits for an hour of tomorrow."""

    class Meta:
        model = WaitingEntry

    facility = factory.SubFactory(FacilityFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    window = factory.LazyFunction(lambda: span(TEN - 2 * HOUR, TEN + 8 * HOUR))
    minutes = 60
    created_by = factory.SubFactory(UserFactory)
    created_at = NOON


class FeeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Fee

    park = factory.SubFactory(ParkFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    key = factory.Sequence(lambda n: f"test:{n}")
    kind = Fee.Kind.HANDLING
    quantity = 2
    unit = "t"
    unit_price = 25
    amount = 50
    accrued_on = dt.date(2026, 2, 10)
    created_at = NOON


class StatementFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Statement

    number = factory.Sequence(lambda n: f"P-202602-{n}")
    park = factory.SubFactory(ParkFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    month = dt.date(2026, 2, 1)
    currency = "CNY"
    total = 0
    issued_at = NOON
