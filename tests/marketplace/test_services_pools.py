import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from marketplace.models import Notification, Organisation, PoolCommitment, PurchasePool
from marketplace.runs.pools import close_due_pools
from marketplace.services import pool_commitments, pools
from marketplace.services.organisations import OnlyMembersMay
from marketplace.tasks.pools import close_pools
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.factories_pool import DemandFactory, PoolCommitmentFactory, PurchasePoolFactory
from tests.races import race

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def organiser(owner):
    return OrganisationFactory(members=[owner])


@pytest.fixture
def pool(organiser):
    return PurchasePoolFactory(organiser=organiser)


@pytest.fixture
def buyer():
    return UserFactory()


@pytest.fixture
def firm(buyer):
    return OrganisationFactory(members=[buyer])


def fields(**changes):
    CategoryFactory()
    return {
        "title_zh": "球阀集采",
        "category": "valve.ball",
        "unit": "只",
        "base_price": 100,
        "minimum_quantity": 100,
        "closes_at": "2026-03-12T18:00:00+08:00",
        "window_start": "2026-04-01",
        "window_end": "2026-04-30",
        "region": "331000",
        "prices": [{"from_quantity": 100, "unit_price": 95}, {"from_quantity": 500, "unit_price": "88.5"}],
    } | changes


def commit(pool, firm, buyer, now, quantity=60, **said):
    return pool_commitments.commit_to_pool(
        pool=pool, organisation=firm, by=buyer, quantity=D(quantity), now=now, **said
    )


def events():
    return sorted(set(Notification.objects.values_list("event", flat=True)))


def test_pool_opens_with_its_ladder_and_invites_the_firms_of_demands(organiser, owner, firm, buyer, now):
    demand = DemandFactory(organisation=firm)

    pool = pools.open_pool(organiser=organiser, by=owner, fields=fields(), now=now, invited_demands=[demand])

    assert (pool.unit, pool.status, pool.leave_free_until) == ("piece", "open", pool.closes_at)
    assert [(rung.from_quantity, rung.unit_price) for rung in pool.ladder()] == [(100, 95), (500, D("88.5"))]
    assert pool.specification["attributes"] == {
        "DN": {"value": 50, "unit": "mm"},
        "PN": {"value": 16},
        "material": {"value": "ss304"},
    }
    assert [one.organisation for one in pool.invitations.all()] == [firm]
    assert Notification.objects.in_app_of(buyer).get().event == "pool.opened"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title_zh": ""}, "title_zh"),
        ({"category": "valve.unheard"}, "category"),
        ({"unit": "furlong"}, "unit"),
        ({"base_price": 0}, "base_price"),
        ({"step": 30}, "minimum_quantity"),
        ({"closes_at": None}, "closes_at"),
        ({"closes_at": "2026-03-01"}, "closes_at"),
        ({"closes_at_quantity": 50}, "closes_at_quantity"),
        ({"shortage_rule": "loudest"}, "shortage_rule"),
        ({"leaving_percent": 101}, "leaving_percent"),
        ({"window_end": "2026-01-01"}, "window_end"),
        ({"region": "", "incoterm": "delivered"}, "address"),
        ({"incoterm": "park_handover"}, "park"),
        ({"prices": []}, "prices"),
        ({"prices": [{"from_quantity": 100, "unit_price": 101}]}, "prices.0.unit_price"),
        (
            {"prices": [{"from_quantity": 100, "unit_price": 95}, {"from_quantity": 90, "unit_price": 90}]},
            "prices.1.from_quantity",
        ),
        (
            {"prices": [{"from_quantity": 100, "unit_price": 95}, {"from_quantity": 200, "unit_price": 96}]},
            "prices.1.unit_price",
        ),
    ],
)
def test_pool_names_the_field_that_is_wrong_and_writes_nothing(organiser, owner, now, changes, field):
    with pytest.raises(InputRefused) as refused:
        pools.open_pool(organiser=organiser, by=owner, fields=fields(**changes), now=now)

    assert field in refused.value.errors
    assert not PurchasePool.objects.exists()


def test_pool_is_opened_by_those_who_may_only(organiser, owner, buyer, now):
    with pytest.raises(OnlyMembersMay):
        pools.open_pool(organiser=organiser, by=buyer, fields=fields(), now=now)
    Organisation.objects.update(state="suspended")
    organiser.refresh_from_db()
    with pytest.raises(pools.OrganiserNotVerified):
        pools.open_pool(organiser=organiser, by=owner, fields=fields(), now=now)


def test_pool_is_edited_until_somebody_joins(pool, owner, firm, buyer, now):
    pools.edit_pool(pool=pool, by=owner, fields=fields(base_price=120), now=now)
    pool.refresh_from_db()
    assert (pool.base_price, pool.prices.count()) == (120, 2)

    commit(pool, firm, buyer, now)
    with pytest.raises(pools.PoolHasMembers):
        pools.edit_pool(pool=pool, by=owner, fields=fields(), now=now)


def test_outlook_says_what_a_quantity_means_before_anybody_commits(pool, now):
    PoolCommitmentFactory(pool=pool, quantity=470)

    outlook = pool_commitments.outlook(pool=pool, quantity=D(40), now=now)

    assert (outlook.price_without, outlook.price_with, outlook.saving) == (95, 88, D("480.00"))
    assert [(rung.unit_price, rung.missing, rung.saving) for rung in outlook.rungs] == [(95, 0, 200), (88, 0, 480)]
    # 408 of 510: 40 of 510 parts of it are 32.
    assert (outlook.example_available, outlook.example_share) == (408, 32)


def test_commitment_holds_the_demand_and_tells_the_organiser(pool, owner, firm, buyer, now):
    demand = DemandFactory(organisation=firm, quantity=20, unit="dozen")

    commitment = commit(pool, firm, buyer, now, 60, demand=demand, maximum_price=D(97))

    demand.refresh_from_db()
    assert (commitment.held, demand.held) == (5, 5)
    assert Notification.objects.in_app_of(owner).get().event == "pool.joined"


def test_commitment_names_the_field_that_is_wrong(pool, firm, buyer, now):
    others, supply = DemandFactory(), ListingFactory(organisation=firm)
    small = DemandFactory(organisation=firm, quantity=10)
    heavy = DemandFactory(organisation=firm, quantity=10, unit="t")

    for said, field in [
        ({"quantity": 0}, "quantity"),
        ({"quantity": "1.5"}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"maximum_price": D(0)}, "maximum_price"),
        ({"demand": others}, "demand"),
        ({"demand": supply}, "demand"),
        ({"demand": small}, "quantity"),
        ({"demand": heavy}, "demand"),
    ]:
        with pytest.raises(InputRefused) as refused:
            commit(pool, firm, buyer, now, **said)
        assert list(refused.value.errors) == [field]
    assert not PoolCommitment.objects.exists()


def test_commitment_is_one_per_firm_of_approved_firms_while_open(pool, firm, buyer, now):
    commit(pool, firm, buyer, now)
    with pytest.raises(pool_commitments.AlreadyCommitted):
        commit(pool, firm, buyer, now)
    with pytest.raises(pool_commitments.FirmNotVerified):
        commit(pool, OrganisationFactory(members=[buyer], state="pending", reviewed_at=None), buyer, now)
    with pytest.raises(pool_commitments.PoolNotOpen):
        commit(pool, OrganisationFactory(members=[buyer]), buyer, now + dt.timedelta(days=11))
    with pytest.raises(OnlyMembersMay):
        commit(pool, OrganisationFactory(), buyer, now)


def test_database_refuses_a_second_live_commitment(pool, firm):
    PoolCommitmentFactory(pool=pool, organisation=firm)

    with pytest.raises(IntegrityError, match="pool_commitment_one_live_per_firm"), transaction.atomic():
        PoolCommitmentFactory(pool=pool, organisation=firm)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"quantity": 0}, "pool_commitment_quantity_is_positive"),
        ({"maximum_price": 0}, "pool_commitment_maximum_price_is_positive"),
        ({"held": 5}, "pool_commitment_holds_of_a_demand"),
        ({"allocated_quantity": 5}, "pool_commitment_allocated_goes_with_an_order"),
        ({"status": "withdrawn"}, "pool_commitment_ended_at_goes_with_status"),
    ],
)
def test_database_refuses_a_commitment_that_cannot_be(pool, changes, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        PoolCommitmentFactory(pool=pool, **changes)


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"title_zh": "", "title_en": ""}, "purchase_pool_has_a_title"),
        ({"step": 0}, "purchase_pool_step_is_positive"),
        ({"closes_at": None}, "purchase_pool_closes_by_itself"),
        ({"closes_at_quantity": 50}, "purchase_pool_closes_no_lower_than_its_minimum"),
        ({"leaving_percent": 101}, "purchase_pool_leaving_costs_a_percentage"),
        ({"status": "closed"}, "purchase_pool_closed_at_goes_with_status"),
        ({"minimum_quantity": 0}, "purchase_pool_minimum_is_positive"),
        ({"base_price": 0}, "purchase_pool_base_price_is_positive"),
    ],
)
def test_database_refuses_a_pool_that_cannot_be(changes, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        PurchasePoolFactory(**changes)


def test_pool_closes_with_the_commitment_that_fills_it(pool, owner, firm, buyer, now):
    PurchasePool.objects.update(closes_at_quantity=150)
    PoolCommitmentFactory(pool=pool, quantity=100)

    commit(pool, firm, buyer, now, 50)

    pool.refresh_from_db()
    assert (pool.status, pool.closed_at) == ("closed", now)
    assert "pool.closed" in events()
    with pytest.raises(pool_commitments.PoolNotOpen):
        commit(pool, OrganisationFactory(members=[buyer]), buyer, now)


def test_pool_is_closed_by_the_clock_once(pool, firm, buyer, now):
    commit(pool, firm, buyer, now, 100)
    later = now + dt.timedelta(days=10)

    assert (close_due_pools(now=now), close_due_pools(now=later), close_due_pools(now=later)) == (0, 1, 0)
    pool.refresh_from_db()
    assert pool.status == "closed"
    assert Notification.objects.in_app_of(buyer).get().event == "pool.closed"


def test_pool_below_its_minimum_fails_and_frees_the_demands(pool, firm, buyer, now):
    demand = DemandFactory(organisation=firm)
    commitment = commit(pool, firm, buyer, now, 60, demand=demand)

    close_pools()

    pool.refresh_from_db()
    commitment.refresh_from_db()
    demand.refresh_from_db()
    assert (pool.status, commitment.status, commitment.held, demand.held) == ("failed", "released", 0, 0)
    assert Notification.objects.in_app_of(buyer).get().event == "pool.failed"


def test_pool_is_closed_early_by_its_organiser_above_the_minimum(pool, owner, buyer, now):
    with pytest.raises(pools.MinimumNotReached):
        pools.close_pool(pool=pool, by=owner, now=now)
    PoolCommitmentFactory(pool=pool, quantity=100)
    with pytest.raises(OnlyMembersMay):
        pools.close_pool(pool=pool, by=buyer, now=now)

    assert pools.close_pool(pool=pool, by=owner, now=now).status == "closed"
    with pytest.raises(pools.PoolNotInStateForThis):
        pools.close_pool(pool=pool, by=owner, now=now)


def test_pool_is_cancelled_with_a_reason_and_everybody_is_free(pool, owner, firm, buyer, now):
    demand = DemandFactory(organisation=firm)
    commit(pool, firm, buyer, now, 60, demand=demand)
    with pytest.raises(InputRefused):
        pools.cancel_pool(pool=pool, by=owner, reason=" ", now=now)

    pools.cancel_pool(pool=pool, by=owner, reason="供应商停产", now=now)

    demand.refresh_from_db()
    assert demand.held == 0
    told = Notification.objects.in_app_of(buyer).get()
    assert (told.event, told.body_zh) == ("pool.cancelled", "供应商停产")
    with pytest.raises(pools.PoolNotInStateForThis):
        pools.cancel_pool(pool=pool, by=owner, reason="again", now=now)


def test_commitment_is_changed_while_that_is_free_and_only_raised_later(pool, firm, buyer, now):
    demand = DemandFactory(organisation=firm)
    commitment = commit(pool, firm, buyer, now, 60, demand=demand)
    late = now + dt.timedelta(days=6)

    def change(quantity, at, **said):
        return pool_commitments.change_commitment(commitment=commitment, by=buyer, quantity=D(quantity), now=at, **said)

    change(40, now)
    demand.refresh_from_db()
    assert (demand.held, commitment.pool.commitments.get().committed_at) == (40, now)
    with pytest.raises(pool_commitments.OnlyMoreFromNowOn):
        change(30, late)
    with pytest.raises(pool_commitments.OnlyMoreFromNowOn):
        change(40, late, maximum_price=D(90))
    with pytest.raises(InputRefused):
        change(900, late)
    change(80, late)
    demand.refresh_from_db()
    assert (demand.held, pool.commitments.get().committed_at) == (80, late)


def test_member_leaves_freely_until_the_day_and_later_asks(pool, owner, firm, buyer, now):
    demand = DemandFactory(organisation=firm)
    commitment = commit(pool, firm, buyer, now, 60, demand=demand)

    pool_commitments.leave_pool(commitment=commitment, by=buyer, now=now)

    demand.refresh_from_db()
    assert (demand.held, PoolCommitment.objects.get().status) == (0, "withdrawn")
    with pytest.raises(pool_commitments.CommitmentHasEnded):
        pool_commitments.leave_pool(commitment=commitment, by=buyer, now=now)

    PurchasePool.objects.update(leaving_percent=10)
    again, late = commit(pool, firm, buyer, now, 100), now + dt.timedelta(days=6)
    with pytest.raises(InputRefused):
        pool_commitments.leave_pool(commitment=again, by=buyer, now=late)
    with pytest.raises(pool_commitments.NobodyAskedToLeave):
        pool_commitments.let_member_go(commitment=again, by=owner, now=late)
    asked = pool_commitments.leave_pool(commitment=again, by=buyer, now=late, reason="停产")
    assert (asked.status, asked.leave_requested_at) == ("committed", late)
    with pytest.raises(OnlyMembersMay):
        pool_commitments.let_member_go(commitment=again, by=buyer, now=late)

    gone = pool_commitments.let_member_go(commitment=again, by=owner, now=late)

    # A tenth of a hundred at 95.
    assert (gone.status, gone.leaving_amount) == ("withdrawn", D("950.00"))


def test_invitation_reaches_each_firm_once_and_no_blocked_one(pool, owner, organiser, firm, now):
    blocked = OrganisationFactory()
    organiser.blocks.create(blocked=blocked, by=owner, created_at=now)

    new = pools.invite_firms(pool=pool, organisations=[firm, blocked, organiser], by=owner, now=now)
    again = pools.invite_firms(pool=pool, organisations=[firm], by=owner, now=now)

    assert ([one.organisation for one in new], again) == ([firm], [])
    PurchasePool.objects.filter(pk=pool.pk).close(now=now)
    pool.refresh_from_db()
    with pytest.raises(pools.PoolNotInStateForThis):
        pools.invite_firms(pool=pool, organisations=[firm], by=owner, now=now)


def test_pools_are_visible_by_what_they_are_shown_as(pool, owner, firm, buyer, now):
    stranger, invited = UserFactory(), UserFactory()
    guest = OrganisationFactory(members=[invited])
    PurchasePool.objects.update(visibility="invited")
    pools.invite_firms(pool=pool, organisations=[guest], by=owner, now=now)

    def seen_by(user):
        return list(PurchasePool.objects.visible_to(user)) == [pool]

    assert [seen_by(user) for user in (owner, invited, buyer, stranger)] == [True, True, False, False]
    PurchasePool.objects.update(visibility="verified")
    assert [seen_by(user) for user in (owner, invited, buyer, stranger)] == [True, True, True, False]
    commit(pool, firm, buyer, now)
    assert list(PoolCommitment.objects.visible_to(invited)) == []
    assert len(PoolCommitment.objects.visible_to(owner)) == len(PoolCommitment.objects.visible_to(buyer)) == 1


@pytest.mark.django_db(transaction=True)
def test_pool_that_two_fill_at_once_closes_once_and_lets_no_third_in(now):
    buyers = [UserFactory() for _ in range(6)]
    firms = [OrganisationFactory(members=[buyer]) for buyer in buyers]
    pool = PurchasePoolFactory(closes_at_quantity=200)

    outcomes = race(
        *[
            lambda firm=firm, buyer=buyer: commit(pool, firm, buyer, now, 100)
            for firm, buyer in zip(firms, buyers, strict=True)
        ]
    )

    pool.refresh_from_db()
    assert pool.status == "closed"
    assert pool.commitments.count() == 2
    assert sum(isinstance(one, pool_commitments.PoolNotOpen) for one in outcomes) == 4
