import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from rest_framework.test import APIClient

from marketplace.models import Block, Listing, Notification, PoolInvitation, PurchasePool
from matching import runs, tasks
from matching.models import PoolingRun, PoolSuggestion, PoolSuggestionMember
from matching.services import pool_suggestions
from tests.factories import ListingFactory, OrganisationFactory, UserFactory
from tests.factories_market import DemandFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clock(monkeypatch, now):
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


def look(now) -> PoolingRun:
    (run_id,) = PoolingRun.objects.request(now=now)
    runs.suggest_pools(PoolingRun.objects.claim(run_id, now=now), clock=lambda: now)
    return PoolingRun.objects.get(pk=run_id)


@pytest.fixture
def buyers():
    return UserFactory.create_batch(3, language="en")


@pytest.fixture
def demands(buyers):
    return [DemandFactory(quantity=40, organisation=OrganisationFactory(members=[buyer])) for buyer in buyers]


@pytest.fixture
def supply():
    return ListingFactory(quantity=1000, minimum_order=100, price_min=Decimal(80), price_max=Decimal(90))


@pytest.fixture
def alone():
    return ListingFactory(quantity=1000, minimum_order=1, price_min=Decimal(100))


def test_suggest_pools_finds_who_reaches_a_minimum_together(now, demands, supply, alone):
    run = look(now)

    found = PoolSuggestion.objects.get()
    assert (found.supply, found.total, found.unit_price, found.base_price) == (supply, 120, 80, 100)
    assert {member.demand for member in found.members.all()} == set(demands)
    assert {member.saving for member in found.members.all()} == {Decimal(800)}
    assert (run.status, run.found) == ("done", 1)
    told = Notification.objects.filter(event="pool.suggested", channel="in_app")
    assert {each.organisation_id for each in told} == {demand.organisation_id for demand in demands}
    assert all(demands[0].organisation.name_zh not in each.body_zh for each in told)


def test_suggest_pools_without_a_price_alone_says_no_saving(now, demands, supply):
    look(now)

    assert {member.saving for member in PoolSuggestionMember.objects.all()} == {None}


def test_suggest_pools_twice_suggests_once(now, demands, supply):
    look(now)

    assert look(now).found == 0
    assert PoolSuggestion.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"attributes": {"DN": 80, "PN": 16, "material": "ss304"}},
        {"region": "440100"},
        {"window_start": dt.date(2026, 9, 1), "window_end": dt.date(2026, 9, 30)},
        {"visibility": "named"},
    ],
)
def test_suggest_pools_leaves_out_what_is_not_alike_near_or_shown(now, supply, other):
    DemandFactory.create_batch(2, quantity=40, window_start=dt.date(2026, 3, 2), window_end=dt.date(2026, 3, 30))
    DemandFactory(quantity=40, **{"window_start": dt.date(2026, 3, 2), "window_end": dt.date(2026, 3, 30), **other})

    assert look(now).found == 0


def test_suggest_pools_keeps_those_apart_who_block_each_other(now, demands, supply):
    first, second = demands[0].organisation, demands[1].organisation
    Block.objects.create(organisation=first, blocked=second, by=UserFactory(), created_at=now)

    assert look(now).found == 0


def test_suggest_pools_lets_expire_what_was_changed(now, demands, supply):
    look(now)
    Listing.objects.filter(pk=demands[0].pk).update(revision=2, quantity=30)

    run = look(now)

    assert (run.expired, run.found) == (1, 1)
    assert sorted(PoolSuggestion.objects.values_list("status", "total")) == [
        ("expired", Decimal(120)),
        ("open", Decimal(110)),
    ]


def test_suggest_pools_heard_twice_works_once(now, demands, supply):
    (run_id,) = PoolingRun.objects.request(now=now)

    tasks.suggest_pools(run_id)
    tasks.suggest_pools(run_id)

    assert PoolingRun.objects.get().attempt == 1


def test_suggest_pools_that_breaks_says_why(now, demands, supply, monkeypatch):
    monkeypatch.setattr("matching.runs.pooling.find_pools", lambda *_args, **_options: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        look(now)

    assert PoolingRun.objects.get().failure == "ZeroDivisionError: division by zero"


def test_start_pool_opens_it_and_invites_the_others(now, demands, buyers, supply, alone):
    look(now)

    pool = pool_suggestions.start_pool(suggestion=PoolSuggestion.objects.get(), by=buyers[1], now=now)

    assert (pool.organiser, pool.minimum_quantity, pool.base_price) == (demands[1].organisation, 100, 100)
    assert [(rung.from_quantity, rung.unit_price) for rung in pool.ladder()] == [(100, 80)]
    invited = PoolInvitation.objects.filter(pool=pool).values_list("organisation", flat=True)
    assert set(invited) == {demands[0].organisation_id, demands[2].organisation_id}
    started = PoolSuggestion.objects.get()
    assert (started.status, started.pool) == ("started", pool)
    assert look(now).found == 0


def test_start_pool_is_done_once(now, demands, buyers, supply):
    look(now)
    suggestion = PoolSuggestion.objects.get()
    pool_suggestions.start_pool(suggestion=suggestion, by=buyers[0], now=now)

    with pytest.raises(pool_suggestions.SuggestionEnded):
        pool_suggestions.start_pool(suggestion=suggestion, by=buyers[1], now=now)

    assert PurchasePool.objects.count() == 1


def test_start_pool_refuses_what_is_out_of_date(now, demands, buyers, supply):
    look(now)
    Listing.objects.filter(pk=demands[2].pk).update(status="closed", revision=2)

    with pytest.raises(pool_suggestions.SuggestionEnded):
        pool_suggestions.start_pool(suggestion=PoolSuggestion.objects.get(), by=buyers[0], now=now)


def test_start_pool_is_for_its_firms(now, demands, supply):
    look(now)

    with pytest.raises(pool_suggestions.SuggestionNotOurs):
        pool_suggestions.start_pool(suggestion=PoolSuggestion.objects.get(), by=UserFactory(), now=now)


def test_decline_pool_leaves_it_to_those_who_still_reach_the_break(now, buyers, demands, supply):
    DemandFactory(quantity=40)
    look(now)
    suggestion = PoolSuggestion.objects.get()

    pool_suggestions.decline_pool(suggestion=suggestion, by=buyers[0], now=now)
    suggestion.refresh_from_db()
    assert (suggestion.status, suggestion.total) == ("open", 120)

    pool_suggestions.decline_pool(suggestion=suggestion, by=buyers[1], now=now)
    suggestion.refresh_from_db()
    assert suggestion.status == "withdrawn"
    assert look(now).found == 0


def test_pool_suggestion_pages_show_members_their_own(client, now, buyers, demands, supply, alone):
    look(now)
    suggestion = PoolSuggestion.objects.get()
    client.force_login(buyers[0])

    for name, pk in (
        ("pool_suggestion_list", None),
        ("pool_suggestion_detail", suggestion.pk),
        ("listing_matches", demands[0].pk),
    ):
        url = reverse(f"matching:{name}", args=[pk] if pk else [])
        html = client.get(url, headers={"accept-language": "en"}).content.decode()
        assert "Start this pool" in html
        assert "¥800" in html
        assert demands[1].organisation.name_en not in html


def test_pool_suggestion_start_and_decline_from_the_page(client, now, buyers, demands, supply):
    look(now)
    suggestion = PoolSuggestion.objects.get()
    client.force_login(buyers[2])
    client.post(reverse("matching:pool_suggestion_decline", args=[suggestion.pk]))
    assert client.get(reverse("matching:pool_suggestion_list")).content.count(b"is-tight pool-suggestion") == 0

    PoolSuggestionMember.objects.update(declined_at=None, declined_by=None)
    PoolSuggestion.objects.update(status="open", ended_at=None)
    client.force_login(buyers[0])
    answer = client.post(reverse("matching:pool_suggestion_start", args=[suggestion.pk]))

    assert answer.url == reverse("marketplace:pool_detail", args=[PurchasePool.objects.get().pk])


def test_pool_suggestion_of_strangers_is_not_found(client, now, demands, supply):
    look(now)
    pk = PoolSuggestion.objects.get().pk
    client.force_login(UserFactory())

    assert client.get(reverse("matching:pool_suggestion_detail", args=[pk])).status_code == 404
    assert client.post(reverse("matching:pool_suggestion_start", args=[pk])).status_code == 404
    assert client.post(reverse("matching:pool_suggestion_decline", args=[pk])).status_code == 404


def test_pool_suggestion_list_needs_the_same_queries_for_one_and_three(
    client, now, buyers, demands, supply, django_assert_num_queries, django_assert_max_num_queries
):
    look(now)
    client.force_login(buyers[0])
    here = reverse("matching:pool_suggestion_list")
    client.get(here)
    with django_assert_max_num_queries(25) as first:
        client.get(here)
    suggestion = PoolSuggestion.objects.get()
    for number in range(2):
        copy = PoolSuggestion.objects.get(pk=suggestion.pk)
        copy.pk, copy.members_key = None, f"copy-{number}"
        copy.save()
        PoolSuggestionMember.objects.create(suggestion=copy, demand=demands[0], demand_revision=1, quantity=Decimal(40))

    with django_assert_num_queries(len(first)):
        client.get(here)


def test_pool_suggestions_by_api(now, buyers, demands, supply, alone):
    look(now)
    api = APIClient()
    api.force_authenticate(buyers[0])

    (shown,) = api.get("/api/v1/pool-suggestions/").json()["results"]
    assert shown["own"] == [{"demand": demands[0].pk, "quantity": 40.0, "saving": 800.0}]
    assert (shown["other_count"], shown["may_act"]) == (2, True)
    key = {"Idempotency-Key": "once"}
    first = api.post(f"/api/v1/pool-suggestions/{shown['id']}/start/", headers=key)
    again = api.post(f"/api/v1/pool-suggestions/{shown['id']}/start/", headers=key)

    assert (first.status_code, again.json()) == (201, first.json())
    declined = api.post(f"/api/v1/pool-suggestions/{shown['id']}/decline/")
    assert (declined.status_code, declined.json()["code"]) == (409, "suggestion_ended")


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"total": 50}, "pool_suggestion_reaches_the_break"),
        ({"base_price": 80}, "pool_suggestion_price_is_below_the_price_alone"),
        ({"window_end": dt.date(2025, 1, 1)}, "pool_suggestion_window_is_ordered"),
        (
            {"status": "started", "ended_at": dt.datetime(2026, 3, 2, tzinfo=dt.UTC)},
            "pool_suggestion_started_has_its_pool",
        ),
        ({"status": "expired"}, "pool_suggestion_ended_at_goes_with_status"),
    ],
)
def test_pool_suggestion_is_refused(now, demands, supply, facts, name):
    look(now)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        PoolSuggestion.objects.update(**facts)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"quantity": 0}, "pool_suggestion_member_quantity_is_positive"),
        ({"saving": 0}, "pool_suggestion_member_saving_is_no_loss"),
        ({"declined_at": dt.datetime(2026, 3, 2, tzinfo=dt.UTC)}, "pool_suggestion_member_declined_says_who"),
    ],
)
def test_pool_suggestion_member_is_refused(now, demands, supply, facts, name):
    look(now)

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        PoolSuggestionMember.objects.update(**facts)


def test_pooling_run_stands_unfinished_once(now):
    PoolingRun.objects.create(requested_at=now)

    with pytest.raises(IntegrityError, match="pooling_run_one_unfinished"), transaction.atomic():
        PoolingRun.objects.create(requested_at=now)
