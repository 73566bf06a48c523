"""Pools and their members, valid by default."""

import datetime as dt
from decimal import Decimal

import factory

from marketplace.models import Listing, PoolCommitment, PoolInvitation, PoolPrice, PurchasePool
from tests.factories import NOON, CategoryFactory, ListingFactory, OrganisationFactory, UserFactory


class PurchasePoolFactory(factory.django.DjangoModelFactory):
    """A pool for ball valves that closes in ten days: ¥100 alone, ¥95 from 100, ¥88 from 500 pieces."""

    class Meta:
        model = PurchasePool
        skip_postgeneration_save = True

    number = factory.Sequence(lambda n: f"JC260302-{n:06d}")
    organiser = factory.SubFactory(OrganisationFactory)
    title_zh = "304 不锈钢球阀集采"
    title_en = "Ball valves, bought together"
    category = factory.SubFactory(CategoryFactory)
    unit = "piece"
    base_price = Decimal(100)
    minimum_quantity = Decimal(100)
    closes_at = NOON + dt.timedelta(days=10)
    leave_free_until = NOON + dt.timedelta(days=5)
    window_start = dt.date(2026, 4, 1)
    window_end = dt.date(2026, 4, 30)
    created_by = factory.SubFactory(UserFactory)
    created_at = NOON

    @factory.post_generation
    def prices(self, create, rungs, **options):
        for start, price in rungs or [(100, 95), (500, 88)]:
            PoolPrice.objects.create(pool=self, from_quantity=start, unit_price=price)


class PoolCommitmentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PoolCommitment

    pool = factory.SubFactory(PurchasePoolFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    quantity = Decimal(60)
    committed_by = factory.SubFactory(UserFactory)
    committed_at = factory.Sequence(lambda n: NOON + dt.timedelta(seconds=n))


class PoolInvitationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PoolInvitation

    pool = factory.SubFactory(PurchasePoolFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    invited_by = factory.SubFactory(UserFactory)
    invited_at = NOON


class DemandFactory(ListingFactory):
    side = Listing.Side.DEMAND
    quantity = 200
