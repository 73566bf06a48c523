import datetime as dt
from decimal import Decimal

import pytest

from config.errors import InputRefused
from marketplace.models import Facility, Fee, Notification, Statement
from marketplace.runs.fees import accrue_stored_lots, issue_last_month, last_month, next_month
from marketplace.runs.prices import booking_charges, goods_charge
from marketplace.services import fees
from marketplace.services.organisations import OnlyMembersMay
from marketplace.services.statement_papers import as_csv, as_pdf
from marketplace.tasks import accrue_storage, issue_statements
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_park import (
    DAY,
    HOUR,
    TEN,
    BookingFactory,
    FacilityFactory,
    FeeFactory,
    ParkFactory,
    PriceItemFactory,
    StatementFactory,
)
from tests.factories_shipment import LotFactory, Story

pytestmark = pytest.mark.django_db
FEBRUARY = dt.date(2026, 2, 1)


@pytest.fixture
def operator():
    return UserFactory()


@pytest.fixture
def park(operator):
    return ParkFactory(staff__operator=operator, code="YH")


@pytest.fixture
def warehouse(park):
    return FacilityFactory(park=park, warehouse=True)


@pytest.fixture
def handle(warehouse, operator, now):
    def handle(**said):
        call = {"facility": warehouse, "organisation": OrganisationFactory(), "key": "lot:1", "by": operator}
        return fees.charge_handling(**{**call, "now": now, "quantity": Decimal(2), "unit": "t", **said})

    return handle


@pytest.mark.parametrize(
    ("per", "quantity", "hours", "charged"),
    [
        ("slot", None, 3, Decimal(3)),
        ("hour", None, 3, Decimal(3)),
        ("day", None, 25, Decimal(2)),
        ("t", Decimal(10), 3, Decimal(10)),
        ("t·day", Decimal(10), 25, Decimal(20)),
        ("kg", Decimal(10), 3, Decimal(10000)),
        ("m2", Decimal(10), 3, None),
        ("t", None, 3, None),
    ],
)
def test_booking_charges_count_by_time_and_quantity(per, quantity, hours, charged):
    facility = Facility(slot_minutes=60)
    item = PriceItemFactory.build(facility=None, per=per, price=Decimal("1.5"), created_by=None)

    charges = booking_charges([item], facility, start=TEN, end=TEN + hours * HOUR, quantity=quantity, unit="t")

    assert [charge.quantity for charge in charges] == ([] if charged is None else [charged])


def test_goods_charge_takes_the_price_that_fits_the_unit():
    prices = [
        PriceItemFactory.build(facility=None, created_by=None, kind="storage", per=per, price=Decimal(price))
        for per, price in (("pallet·day", 3), ("t·day", 2))
    ]

    charge = goods_charge(prices, kind="storage", quantity=Decimal(1500), unit="kg")

    assert (charge.quantity, charge.unit, charge.amount) == (Decimal("1.500"), "t·day", Decimal("3.00"))
    assert goods_charge(prices, kind="storage", quantity=Decimal(1), unit="m2") is None
    assert goods_charge(prices, kind="handling", quantity=Decimal(1), unit="t") is None


def test_price_of_goes_by_the_day_of_the_booking(warehouse):
    PriceItemFactory(facility=warehouse, per="day", price=10, valid_until=dt.date(2026, 3, 4))
    PriceItemFactory(facility=warehouse, per="day", price=12, valid_from=dt.date(2026, 3, 4))

    prices = [fees.price_of(warehouse, start=start, end=start + HOUR)[0].amount for start in (TEN, TEN + DAY)]

    assert prices == [Decimal(10), Decimal(12)]


def test_charge_handling_charges_once_per_key(handle, warehouse):
    PriceItemFactory(facility=warehouse, kind="handling", per="t", price="18.125")

    first, again = handle(), handle(quantity=Decimal(5))

    assert (first, first.amount, first.kind) == (again, Decimal("36.25"), "handling")


def test_charge_handling_refuses_what_has_no_price_bad_input_and_strangers(handle):
    with pytest.raises(fees.NoPriceForThis):
        handle()
    for said, field in (({"quantity": Decimal(0)}, "quantity"), ({"unit": "furlong"}, "unit")):
        with pytest.raises(InputRefused) as refusal:
            handle(**said)
        assert list(refusal.value.errors) == [field]
    with pytest.raises(OnlyMembersMay):
        handle(by=UserFactory())


def test_accrue_storage_charges_a_day_once(warehouse, now):
    PriceItemFactory(facility=warehouse, kind="storage", per="t·day", price="1.8")
    firm = OrganisationFactory()
    said = {"facility": warehouse, "organisation": firm, "quantity": Decimal("12.5"), "unit": "t", "now": now}

    for day in (2, 2, 3):
        fees.accrue_storage(key=f"storage:1:{day}", day=dt.date(2026, 3, day), **said)

    assert list(Fee.objects.values_list("amount", flat=True)) == [Decimal("22.50")] * 2
    assert fees.accrue_storage(key="x", day=dt.date(2026, 3, 2), **{**said, "unit": "m2"}) is None


def test_adjust_credits_once_with_a_reason(park, operator, now):
    firm = OrganisationFactory()
    call = {"park": park, "organisation": firm, "by": operator, "now": now, "key": "1"}

    for _ in range(2):
        fees.adjust(amount=Decimal("-12.50"), note="装卸延误补偿", **call)

    assert list(Fee.objects.values_list("amount", "kind")) == [(Decimal("-12.50"), "adjustment")]
    for said, field in (
        ({"note": " "}, "note"),
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("1.001")}, "amount"),
    ):
        with pytest.raises(InputRefused) as refusal:
            fees.adjust(**{"amount": Decimal(1), "note": "x", **said, **call})
        assert list(refusal.value.errors) == [field]
    with pytest.raises(OnlyMembersMay):
        fees.adjust(amount=Decimal(1), note="x", **{**call, "by": UserFactory()})


def test_issue_statements_bills_each_firm_once(park, operator, now):
    firm, other = OrganisationFactory.create_batch(2)
    FeeFactory.create_batch(2, park=park, organisation=firm)
    FeeFactory(park=park, organisation=firm, currency="USD")
    FeeFactory(park=park, organisation=other)
    later = FeeFactory(park=park, organisation=firm, accrued_on=dt.date(2026, 3, 1))
    elsewhere = FeeFactory(organisation=firm)

    issued = fees.issue_statements(park=park, month=FEBRUARY, by=operator, now=now)
    again = fees.issue_statements(park=park, month=dt.date(2026, 2, 14), by=operator, now=now)

    assert [(one.organisation, one.currency, one.total) for one in issued] == [
        (firm, "CNY", Decimal(100)),
        (firm, "USD", Decimal(50)),
        (other, "CNY", Decimal(50)),
    ]
    assert issued[0].number == f"YH-202602-{firm.pk}"
    assert again == []
    assert set(Fee.objects.filter(statement=None)) == {later, elsewhere}
    assert Notification.objects.filter(event="statement.issued").count() == 0  # nobody is a member of these firms


def test_issue_statements_puts_what_came_late_on_the_next(park, operator, now):
    fee = FeeFactory(park=park)
    fees.issue_statements(park=park, month=FEBRUARY, by=operator, now=now)
    late = FeeFactory(park=park, organisation=fee.organisation)

    assert fees.issue_statements(park=park, month=FEBRUARY, by=operator, now=now) == []
    fees.issue_statements(park=park, month=dt.date(2026, 3, 1), by=operator, now=now + 31 * DAY)

    late.refresh_from_db()
    assert (late.statement.month, late.statement.total) == (dt.date(2026, 3, 1), Decimal(50))


def test_issue_statements_refuses_a_month_that_runs_and_strangers(park, operator, now):
    with pytest.raises(InputRefused):
        fees.issue_statements(park=park, month=now.date(), by=operator, now=now)
    with pytest.raises(OnlyMembersMay):
        fees.issue_statements(park=park, month=FEBRUARY, by=UserFactory(), now=now)


def test_issue_last_month_bills_every_park(now):
    trader = UserFactory()
    for firm in (OrganisationFactory(members__trader=trader), OrganisationFactory()):
        FeeFactory(organisation=firm)

    issue_last_month(now=now)
    issue_last_month(now=now)

    assert Statement.objects.count() == 2
    assert Notification.objects.filter(event="statement.issued", user=trader, channel="in_app").count() == 1


def test_tasks_ring_twice_and_work_once():
    FeeFactory()

    for _ in range(2):
        issue_statements()
        accrue_storage()

    assert Statement.objects.count() == 1


def test_months_turn_with_the_year():
    assert next_month(dt.date(2026, 12, 1)) == dt.date(2027, 1, 1)
    assert last_month(dt.date(2026, 1, 15)) == dt.date(2025, 12, 1)


def test_statement_papers_show_every_line(now):
    booking = BookingFactory()
    fee = FeeFactory(booking=booking, facility=booking.facility, park=booking.facility.park, note="=1+1")
    statement = StatementFactory(park=fee.park, organisation=fee.organisation, total=50)
    Fee.objects.filter(pk=fee.pk).update(statement=statement)

    table, paper = as_csv(statement), as_pdf(statement)

    assert table.startswith("\ufeff")
    assert "'=1+1" in table
    assert "50.00,CNY" in table
    assert paper.startswith(b"%PDF-")
    assert paper == as_pdf(statement)


def test_accrue_stored_lots_charges_what_lies_there_once_a_day(warehouse, now):
    PriceItemFactory(facility=warehouse, kind="storage", per="piece·day", price="0.02")
    PriceItemFactory(facility=warehouse, kind="storage", per="pallet·day", price="1.5")
    line = Story(with_park=False).line
    lot = LotFactory(order_line=line, location=warehouse, stored_quantity=100, unit="piece")
    crates = LotFactory(order_line=line, location=warehouse, stored_quantity=3, unit="set·day")
    crates.packages.create(number=1, quantity=3)
    LotFactory(order_line=line)

    charged = [accrue_stored_lots(now=moment) for moment in (now, now + HOUR, now + DAY)]

    assert charged == [2, 0, 2]
    fees_of_seller = Fee.objects.filter(organisation=lot.shipment.seller).values_list("amount", flat=True)
    assert list(fees_of_seller) == [Decimal(2)] * 2
    assert Fee.objects.filter(organisation=crates.shipment.seller, unit="pallet·day").count() == 2
