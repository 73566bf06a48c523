"""Parks, facilities and shipments on their way, valid by default."""

import datetime as dt
import uuid
from decimal import Decimal

import factory

from marketplace.models import (
    Facility,
    Lot,
    Membership,
    Order,
    Organisation,
    Park,
    Shipment,
)
from marketplace.services.scans import record_scan
from marketplace.services.shipments import dispatch_shipment, plan_shipment
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_order import order_of

D = Decimal
HOUR = dt.timedelta(hours=1)


class ParkFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Park

    organisation = factory.SubFactory(OrganisationFactory, kind=Organisation.Kind.PARK_OPERATOR)
    code = factory.Sequence(lambda n: f"PARK-{n}")
    name_zh = "玉环泵阀产业园"
    name_en = "Yuhuan Pump and Valve Park"
    region = "331083"
    created_at = NOON


class FacilityFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Facility

    park = factory.SubFactory(ParkFactory)
    code = factory.Sequence(lambda n: f"W-{n}")
    kind = Facility.Kind.WAREHOUSE
    name_zh = "一号仓"
    name_en = "Warehouse 1"
    mode = Facility.Mode.CAPACITY
    capacity = 1000
    unit = "piece"
    created_at = NOON
    updated_at = NOON


class ShipmentFactory(factory.django.DjangoModelFactory):
    """A planned shipment without lots; ``LotFactory`` gives it some, ``shipment_of`` makes a whole one."""

    class Meta:
        model = Shipment

    number = factory.Sequence(lambda n: f"SH260302-{n:06d}")
    seller = factory.SubFactory(OrganisationFactory)
    created_by = factory.SubFactory(UserFactory)
    created_at = NOON
    updated_at = NOON


class LotFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Lot

    shipment = factory.SubFactory(ShipmentFactory)
    number = factory.Sequence(lambda n: f"L{n}")
    quantity = D("100.000")
    unit = factory.SelfAttribute("order_line.unit")


class Story:
    """A buyer, a seller and a park with people of theirs, and an order of 500 valves to be handed over in the park."""

    def __init__(self, *, quantity: str = "500", unit: str = "piece", with_park: bool = True, **line):
        self.purchaser, self.salesman, self.gatekeeper, self.stranger = UserFactory.create_batch(4)
        self.buyer = OrganisationFactory(members=[self.purchaser])
        self.seller = OrganisationFactory(members=[self.salesman])
        operator = OrganisationFactory(
            kind=Organisation.Kind.PARK_OPERATOR, **{f"members__{Membership.Role.GATEKEEPER}": self.gatekeeper}
        )
        self.park = ParkFactory(organisation=operator) if with_park else None
        self.warehouse = FacilityFactory(park=self.park, unit=unit) if with_park else None
        self.order = self.order_for(self.buyer, quantity=quantity, unit=unit, **line)
        self.line = self.order.lines.get()

    def order_for(self, buyer: Organisation, *, quantity: str = "500", unit: str = "piece", **line) -> Order:
        order = order_of(buyer=buyer, seller=self.seller, quantity=quantity, park=self.park)
        order.lines.update(unit=unit, **line)
        return order

    def plan(self, *quantities: str, order: Order | None = None, **changes) -> Shipment:
        """Return a shipment planned by the seller, a lot for each quantity."""
        line = (order or self.order).lines.get()
        return plan_shipment(
            seller=self.seller,
            lots=[{"order_line": line, "quantity": one} for one in quantities or ("100",)],
            park=self.park,
            by=self.salesman,
            now=NOON,
            **changes,
        )

    def dispatch(self, *quantities: str, **changes) -> Shipment:
        return dispatch_shipment(shipment=self.plan(*quantities, **changes), by=self.salesman, now=NOON)

    def scan(self, target, kind: str, *, at: dt.datetime = NOON + HOUR, **said):
        """Return the outcome of a scan by the gatekeeper, unless ``by`` is another."""
        return record_scan(
            token=target if isinstance(target, str) else target.token,
            kind=kind,
            **{
                "key": uuid.uuid4(),
                "by": self.gatekeeper,
                "recorded_at": at,
                "now": max(at, NOON + HOUR),
                "data": {},
                **said,
            },
        )
