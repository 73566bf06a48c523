import datetime as dt

import pytest

from marketplace.models import Block, Listing, ListingCertificate, Notification, Organisation
from matching import runs
from matching.live_index import encoder
from matching.models import IndexEntry, Match, MatchRun
from matching.runs import matching as matching_runs
from matching.runs import telling
from tests.factories import CategoryFactory, ListingFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(now):
    return lambda: now


def demand(**fields) -> Listing:
    values = {"side": "demand", "title_zh": "采购 304 不锈钢法兰球阀 DN50 PN16", "quantity": 500, "region": "331000"}
    return ListingFactory(**{**values, **fields})


def match(listing: Listing, clock) -> MatchRun:
    """Let a worker match the listing now."""
    (run_id,) = MatchRun.objects.request([listing.pk], now=clock())
    run = MatchRun.objects.claim(run_id, now=clock())
    runs.find_matches(run, clock=clock)
    run.refresh_from_db()
    return run


def counterparts(listing: Listing, now) -> list[Listing]:
    return [each.other_than(listing) for each in Match.objects.for_listing(listing).current(now)]


def test_index_listings_writes_what_is_missing():
    first, second = ListingFactory(), ListingFactory(title_zh="闸阀", title_en="Gate valve")

    assert runs.index_listings() == [first.pk, second.pk]
    assert runs.index_listings() == []

    entry = IndexEntry.objects.get(pk=second.pk)
    assert entry.text.split("\n") == ["闸阀", "Gate valve", "球阀", "Ball valve"]
    plain, _sign, meanings = entry.normal.partition("≡")
    assert plain.replace(" ", "") == "闸阀gatevalve球阀ballvalve"
    assert {"gatevalve", "ballvalve"} <= set(meanings.split())
    assert len(entry.vector) == 2 * encoder().dim


def test_index_listings_embeds_unchanged_words_once(monkeypatch):
    listing = ListingFactory()
    runs.index_listings()
    embedded = []
    monkeypatch.setattr(encoder(), "encode", embedded.append)

    Listing.objects.filter(pk=listing.pk).update(revision=2, quantity=7)
    runs.index_listings()

    assert embedded == []
    assert IndexEntry.objects.get().revision == 2


def test_index_listings_takes_up_what_another_model_wrote():
    listing = ListingFactory()
    runs.index_listings()
    IndexEntry.objects.update(model_version="older", vector=b"")

    assert runs.index_listings() == [listing.pk]
    assert IndexEntry.objects.get().vector != b""


def test_find_matches_finds_what_fits_and_nothing_else(now, clock):
    wanted = demand(window_end=now.date() + dt.timedelta(days=30))
    fits = ListingFactory()
    ListingFactory(attributes={"DN": 40, "PN": 16, "material": "ss304"})
    ListingFactory(lead_days=31)
    ListingFactory(minimum_order=501)
    ListingFactory(delivery_regions=["500000"])
    ListingFactory(organisation=wanted.organisation)
    ListingFactory(category=CategoryFactory(code="pump", name_zh="泵", name_en="Pump", family="pump", schema={}))
    ListingFactory(status="paused")
    ListingFactory(organisation__state=Organisation.State.SUSPENDED)
    ListingFactory(visibility="named")
    demand()
    runs.index_listings()

    run = match(wanted, clock)

    assert counterparts(wanted, now) == [fits]
    assert (run.status, run.revision, run.allowed, run.found) == ("done", 1, 1, 1)
    assert run.embedding_version == encoder().version


def test_find_matches_gives_reasons_that_sum_to_the_score(now, clock):
    wanted, _offered = demand(), ListingFactory()

    runs.index_listings()
    match(wanted, clock)

    found = Match.objects.get()
    assert sum(reason["points"] for reason in found.reasons) == pytest.approx(found.score, abs=1e-6)
    assert all(reason["zh"] and reason["en"] for reason in found.reasons)


def test_find_matches_works_from_both_sides(now, clock):
    wanted, offered = demand(), ListingFactory()
    runs.index_listings()

    match(offered, clock)
    match(wanted, clock)

    assert [(each.supply, each.demand) for each in Match.objects.all()] == [(offered, wanted)]


def test_find_matches_minds_certificates_and_their_end(now, clock):
    wanted = demand(required_certificates=["iso9001"])
    valid, expired, _none = ListingFactory.create_batch(3)
    ListingCertificate.objects.create(listing=valid, code="iso9001", expires_on=now.date())
    ListingCertificate.objects.create(listing=expired, code="iso9001", expires_on=now.date() - dt.timedelta(days=1))
    runs.index_listings()

    match(wanted, clock)

    assert counterparts(wanted, now) == [valid]


def test_find_matches_minds_blocks_of_either_side(now, clock):
    wanted, first, second = demand(), ListingFactory(), ListingFactory()
    runs.index_listings()
    for one, other in ((wanted, first), (second, wanted)):
        Block.objects.create(
            organisation=one.organisation, blocked=other.organisation, by=UserFactory(), created_at=now
        )

    match(wanted, clock)

    assert counterparts(wanted, now) == []


def test_find_matches_of_a_closed_listing_is_done_and_empty(now, clock):
    wanted = demand()
    ListingFactory()
    runs.index_listings()
    Listing.objects.filter(pk=wanted.pk).update(status="closed")

    assert (match(wanted, clock).status, Match.objects.count()) == ("done", 0)


def test_find_matches_keeps_the_lists_of_others_complete_after_an_edit(now, clock, monkeypatch):
    wanted, offered = demand(), ListingFactory()
    demands = [demand() for _ in range(3)]
    runs.index_listings()
    for each in (wanted, *demands):
        match(each, clock)
    monkeypatch.setattr(matching_runs.find, "__kwdefaults__", {**matching_runs.find.__kwdefaults__, "limit": 1})

    Listing.objects.filter(pk=offered.pk).update(revision=2)
    match(Listing.objects.get(pk=offered.pk), clock)

    assert [counterparts(each, now) for each in (wanted, *demands)] == [[offered]] * 4


def test_find_matches_looks_again_where_the_listing_was_edited_meanwhile(now, clock, monkeypatch):
    wanted, _offered = demand(), ListingFactory()
    runs.index_listings()
    search, edits = matching_runs._search, iter([True])

    def search_and_edit(listing, **options):
        answer = search(listing, **options)
        if next(edits, False):
            Listing.objects.filter(pk=listing.pk).update(revision=2, attributes={"DN": 80})
        return answer

    monkeypatch.setattr(matching_runs, "_search", search_and_edit)
    run = match(wanted, clock)

    assert (run.status, run.revision, run.found) == ("done", 2, 0)


def test_find_matches_of_a_replaced_worker_writes_nothing(now, clock):
    wanted, _offered = demand(), ListingFactory()
    runs.index_listings()
    (run_id,) = MatchRun.objects.request([wanted.pk], now=now)
    slow = MatchRun.objects.claim(run_id, now=now)
    MatchRun.objects.release(since=now + dt.timedelta(seconds=1))
    MatchRun.objects.claim(run_id, now=now)

    runs.find_matches(slow, clock=clock)

    assert Match.objects.count() == 0
    assert Notification.objects.count() == 0
    assert MatchRun.objects.get().status == "running"


def test_find_matches_that_breaks_says_why(now, clock, monkeypatch):
    wanted = demand()
    monkeypatch.setattr(matching_runs, "_search", lambda *_args, **_options: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        match(wanted, clock)

    run = MatchRun.objects.get()
    assert (run.status, run.failure) == ("failed", "ZeroDivisionError: division by zero")


def members_of(*listings: Listing) -> list:
    users = []
    for listing in listings:
        users.append(UserFactory())
        listing.organisation.memberships.create(user=users[-1], role="trader", created_at=listing.created_at)
    return users


def test_find_matches_tells_both_sides_of_a_new_match_once(now, clock):
    wanted, offered = demand(), ListingFactory()
    buyer, seller = members_of(wanted, offered)
    runs.index_listings()

    match(wanted, clock)
    match(offered, clock)
    match(wanted, clock)

    told = Notification.objects.filter(channel="in_app")
    assert {(each.user, each.url) for each in told} == {
        (buyer, f"/listings/{wanted.pk}/matches/"),
        (seller, f"/listings/{offered.pk}/matches/"),
    }
    assert told.count() == 2
    found = Match.objects.get()
    assert found.supply_told_at == found.demand_told_at == now
    assert told.first().data["reasons"] == found.reasons


def test_find_matches_tells_when_an_edit_makes_a_match_good_enough(now, clock, monkeypatch):
    wanted, offered = demand(), ListingFactory()
    members_of(wanted, offered)
    runs.index_listings()
    monkeypatch.setattr(telling, "TOLD_FROM", 1000.0)
    match(wanted, clock)
    assert Notification.objects.count() == 0

    monkeypatch.setattr(telling, "TOLD_FROM", Match.objects.get().score)
    Match.objects.update(score=1.0)
    match(wanted, clock)

    assert Notification.objects.filter(channel="in_app").count() == 2


def test_find_matches_tells_an_organisation_of_so_many_in_an_hour(now, clock, monkeypatch):
    wanted = demand()
    offers = ListingFactory.create_batch(4)
    members_of(wanted, *offers)
    monkeypatch.setattr(telling, "TOLD_PER_HOUR", 3)
    runs.index_listings()

    run = match(wanted, clock)

    told = Notification.objects.filter(channel="in_app")
    assert told.filter(organisation=wanted.organisation).count() == 3
    assert told.exclude(organisation=wanted.organisation).count() == 4
    assert run.told == 4


def test_find_matches_tells_of_the_best_few_of_a_run(now, clock, monkeypatch):
    wanted = demand()
    members_of(wanted, *ListingFactory.create_batch(4))
    monkeypatch.setattr(telling, "TOLD_PER_RUN", 2)
    runs.index_listings()

    run = match(wanted, clock)

    assert (run.found, run.told) == (4, 2)
    assert Notification.objects.filter(channel="in_app").count() == 4
