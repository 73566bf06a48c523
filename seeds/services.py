"""Fill an empty database with the demo, through the services that people use."""

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import Category, Listing, Membership, Organisation, Park, Subscription, User
from marketplace.services.accounts import sign_up
from marketplace.services.categories import load_catalogue
from marketplace.services.listings import post_listing, post_listings_in_bulk
from marketplace.services.memberships import accept_invitation, invite
from marketplace.services.notifications import set_subscriptions, subscription_choices
from marketplace.services.organisations import approve_organisation, register_organisation
from marketplace.services.records import record_deliveries
from matching.models import BalanceRun, PoolingRun
from matching.services import record_candidates, request_proof, request_runs
from matching.services.markets import request_market
from seeds.cast import Cast
from seeds.credit import plant_credit
from seeds.deals import plant_deals
from seeds.firms import Firm, make_firms, special_firms
from seeds.gatherings import announce_fair, open_purchase
from seeds.generate import DemoListing, make_listings
from seeds.leads import plant_projects
from seeds.market import CROWDS, market_listings, newcomers
from seeds.parks import book_demo, open_parks
from seeds.sites import site_listings
from seeds.story import story_listings

# User -> the firm it works for, and its role there. An owner registers the firm; the others are invited.
DEMO_USERS: dict[str, tuple[str, str]] = {
    "buyer": ("buyer", Membership.Role.OWNER),
    "seller": ("seller", Membership.Role.OWNER),
    "operator": ("park", Membership.Role.OPERATOR),
    "maker": ("bank", Membership.Role.MAKER),
    "checker": ("bank", Membership.Role.CHECKER),
    "insurer": ("insurer", Membership.Role.OWNER),
    "designer": ("studio", Membership.Role.OWNER),
}
# Registers the firms that no demo user owns; nobody can log in as it.
DESK = "demo-desk"
PROGRESS_EVERY = 5_000
# A smaller demo has no room for parks full of spaces, nor for crowded markets.
LEAST_WITH_SITES = 1_000
# Since when firms are here and most listings are open: all that is younger counts as new, and has a floor in lists.
KNOWN_FOR, LISTED_FOR, CROWDED_FOR = timedelta(days=200), timedelta(days=20), timedelta(days=9)
NEW_SINCE = timedelta(days=2)


class DatabaseNotEmpty(RuleBroken):
    pass


@dataclass(frozen=True, slots=True)
class Planted:
    """How much the demo holds."""

    organisations: int
    listings: int


def is_empty() -> bool:
    """Say whether nobody works with this database yet."""
    return not (User.objects.exists() or Organisation.objects.exists() or Listing.objects.exists())


@transaction.atomic
def seed(
    *,
    listings: int,
    organisations: int,
    random_state: int,
    password: str,
    now: datetime,
    report: Callable[[str], None] = lambda _line: None,
) -> Planted:
    """Plant users, firms and listings, all of them or none; the same random state plants the same.

    :raises DatabaseNotEmpty: if there are users, organisations or listings already
    :raises InputRefused: if the password is too weak
    """
    if not is_empty():
        raise DatabaseNotEmpty(_("The database is not empty: demo data goes only into a new one."))
    report(_("Users and organisations"))
    users = _make_users(password, now)
    firms = make_firms(max(organisations, len(special_firms())), random_state=random_state)
    is_large = listings >= LEAST_WITH_SITES
    new = newcomers(firms) if is_large else frozenset()
    # Whoever came this week has nothing but what it offers in a crowded market, and no record yet.
    firms = [replace(firm, share=0.0, deliveries=0) if firm.number in new else firm for firm in firms]
    rows = _register(firms, users, new, now)
    report(_("Catalogue of categories"))
    load_catalogue(now=now)
    report(_("Parks"))
    parks = _open_parks(firms, rows, users, now)
    report(_("Listings"))
    today = timezone.localdate(now)
    story = story_listings(firms, today=today)
    for listing in story:
        _post(listing, firms, rows, users, now)
    report(_("Deals"))
    _deal(firms, rows, users, parks["YH-PUMP"], now)
    plant_projects(random_state=random_state, now=now)
    # What the gate refused is shown too: figures of models that were really learned and judged.
    record_candidates(now=now)
    report(_("Credit"))
    plant_credit(firms, rows, users, users[DESK], now=now)
    sites, crowded = [], []
    if is_large:
        sites = list(site_listings(firms, rows, Category.objects.catalogue(), random_state=random_state, today=today))
        crowded = list(market_listings(firms, random_state=random_state, today=today))
    left = max(0, listings - len(story) - len(sites) - len(crowded))
    rest = make_listings(firms, left, random_state=random_state, today=today)
    posted = post_listings_in_bulk(
        listings=_with_progress(rest, rows, report), by=users[DESK], now=now - LISTED_FOR if is_large else now
    )
    posted += post_listings_in_bulk(listings=sites, by=users[DESK], now=now)
    if crowded:
        report(_("Markets"))
        posted += _crowd(crowded, rows, new, users, now)
    return Planted(organisations=len(rows), listings=len(story) + posted)


def _make_users(password: str, now: datetime) -> dict[str, User]:
    users = {
        name: sign_up(username=name, email=f"{name}@demo.example.com", password=password)
        for name in (*DEMO_USERS, "admin")
    }
    users[DESK] = sign_up(username=DESK, email=f"{DESK}@demo.example.com", password=secrets.token_urlsafe(24))
    # Hundreds of firms are the desk's: nobody reads what they would be told.
    silence = {(one.event, one.channel): Subscription.Frequency.NEVER for one in subscription_choices(user=users[DESK])}
    set_subscriptions(user=users[DESK], frequencies=silence, now=now)
    # No service makes a platform operator: whoever runs the machine names the first one.
    User.objects.filter(pk=users["admin"].pk).update(is_staff=True, is_superuser=True)
    users["admin"].refresh_from_db()
    return users


def _crowd(
    listings: Sequence[DemoListing],
    rows: dict[int, Organisation],
    new: Collection[int],
    users: dict[str, User],
    now: datetime,
) -> int:
    """Post what crowded markets hold, and ask for what shows them to the operator; a worker does it after the start."""
    posted = 0
    for is_new, since in ((False, CROWDED_FOR), (True, NEW_SINCE)):
        chosen = [(rows[one.firm], one.fields) for one in listings if (one.firm in new) is is_new]
        posted += post_listings_in_bulk(listings=chosen, by=users[DESK], now=now - since)
    # Bells of one queue are answered in turn: these are matched when their market is cleared.
    names = [one.fields["external_id"] for one in listings]
    ids = Listing.objects.filter(external_id__in=names).order_by("pk").values_list("pk", flat=True)
    request_runs(listing_ids=list(ids), now=now, is_urgent=True)
    request_market(by=users["admin"], now=now, category=CROWDS[0].code)
    request_proof(by=users["admin"], now=now)
    # No bell rings for these, so beat's does, minutes later: they read what the first matches left behind.
    catalogue = Category.objects.catalogue()
    BalanceRun.objects.request({catalogue.get(crowd.code).family for crowd in CROWDS}, now=now)
    PoolingRun.objects.request(now=now)
    return posted


def _register(
    firms: Sequence[Firm], users: dict[str, User], new: Collection[int], now: datetime
) -> dict[int, Organisation]:
    """Register and approve the firms, and let the demo users work for theirs."""
    owners = {key: users[name] for name, (key, role) in DEMO_USERS.items() if role == Membership.Role.OWNER}
    rows: dict[int, Organisation] = {}
    for firm in firms:
        since = now - (NEW_SINCE if firm.number in new else KNOWN_FOR)
        organisation = register_organisation(
            by=owners.get(firm.key, users[DESK]),
            now=since,
            kind=firm.kind,
            is_demo=True,
            name_zh=firm.name_zh,
            name_en=firm.name_en,
            uscc=firm.uscc,
            region=firm.region,
            industry=firm.industry,
            contact_name=firm.contact_name,
            contact_phone=firm.contact_phone,
            contact_email=firm.contact_email,
            about_zh=firm.about_zh,
            about_en=firm.about_en,
        )
        approve_organisation(organisation=organisation, by=users["admin"], now=since)
        if firm.deliveries:
            on_time = round(firm.on_time_rate * firm.deliveries)
            record_deliveries(organisation=organisation, deliveries=firm.deliveries, on_time=on_time)
        rows[firm.number] = organisation
    numbers = {firm.key: firm.number for firm in firms if firm.key}
    for name, (key, role) in DEMO_USERS.items():
        if role != Membership.Role.OWNER:
            organisation, owner = rows[numbers[key]], owners.get(key, users[DESK])
            _invitation, token = invite(
                organisation=organisation, email=users[name].email, role=role, by=owner, now=now
            )
            accept_invitation(token=token, by=users[name], now=now)
    return rows


def _open_parks(
    firms: Sequence[Firm], rows: dict[int, Organisation], users: dict[str, User], now: datetime
) -> dict[str, Park]:
    named = {firm.key: rows[firm.number] for firm in firms if firm.key}
    rivals = [firm for firm in firms if "valve.ball" in firm.sells and not firm.key]
    opened = open_parks(organisation=named["park"], by=users["operator"], now=now)
    renters = {**named, "rival": rows[rivals[0].number] if rivals else named["studio"]}
    book_demo(opened, firms=renters, users=users, operator=users["operator"], now=now)
    return opened.parks


def _deal(
    firms: Sequence[Firm], rows: dict[int, Organisation], users: dict[str, User], park: Park, now: datetime
) -> None:
    named = {firm.key: rows[firm.number] for firm in firms if firm.key}
    cast = Cast(
        buyer=users["buyer"],
        seller=users["seller"],
        operator=users["operator"],
        desk=users[DESK],
        pump_maker=named["buyer"],
        valve_maker=named["seller"],
        park=park,
    )
    plant_deals(cast, now=now)
    open_purchase(cast, now=now)
    announce_fair(cast, now=now)


def _post(
    listing: DemoListing, firms: Sequence[Firm], rows: dict[int, Organisation], users: dict[str, User], now: datetime
) -> None:
    key = firms[listing.firm - 1].key
    post_listing(organisation=rows[listing.firm], by=users.get(key, users[DESK]), fields=listing.fields, now=now)


def _with_progress(
    listings: Iterable[DemoListing], rows: dict[int, Organisation], report: Callable[[str], None]
) -> Iterator[tuple[Organisation, dict[str, object]]]:
    for number, listing in enumerate(listings, start=1):
        yield rows[listing.firm], listing.fields
        if not number % PROGRESS_EVERY:
            report(_("%(count)d listings") % {"count": number})
