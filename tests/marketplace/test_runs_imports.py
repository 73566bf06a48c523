import contextlib
import datetime as dt
import io
import time

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from marketplace.models import Listing, ListingImport
from marketplace.runs.imports import import_listings
from marketplace.services import imports, listings
from tests.factories import CategoryFactory, OrganisationFactory, UserFactory
from tests.races import race

pytestmark = pytest.mark.django_db
HEADER = "external_id,side,category,title,attr:DN,quantity,unit"
GOOD = "A-1,supply,valve.ball,304 ball valve,50,500,piece"


@pytest.fixture
def trader():
    return UserFactory()


@pytest.fixture
def organisation(trader):
    CategoryFactory()
    return OrganisationFactory(members__trader=trader)


@pytest.fixture
def run(organisation, trader):
    """Import a file and return the finished row."""

    def run(content, *, name="listings.csv", mode="good_rows"):
        content = "\n".join(content).encode() if isinstance(content, list) else content
        return imports.import_at_once(
            file=ContentFile(content, name=name), organisation=organisation, mode=mode, by=trader, now=timezone.now()
        )

    return run


def counts(row) -> tuple[int, int, int, int]:
    return row.created, row.updated, row.unchanged, row.refused


def test_import_listings_posts_good_rows_and_reports_bad_ones_by_row_and_column(run, organisation):
    row = run([HEADER, GOOD, "A-2,supply,valve.ball,x,wide,5,piece", "A-3,gift,nothing,x,,0,piece"])

    assert (row.status, counts(row)) == ("done", (1, 0, 0, 2))
    found = [(error["row"], error["column"], error["code"]) for error in row.errors]
    assert {(number, column) for number, column, _code in found} == {
        (3, "attr:DN"), (4, "side"), (4, "category"), (4, "quantity"),
    }  # fmt: skip
    assert all(error["zh"] and error["en"] for error in row.errors)
    listing = organisation.listings.get()
    assert (listing.external_id, listing.attributes, listing.quantity) == (
        "A-1", {"DN": 50, "material": "ss304"}, 500,
    )  # fmt: skip
    assert (listing.status, listing.title_en) == (Listing.Status.OPEN, "304 ball valve")


def test_import_listings_reads_what_columns_do_not_say_out_of_the_text(run, organisation):
    run("外部编号,说明\nB-1,求购 304 不锈钢法兰球阀 DN50 PN16，500 只，到台州\n".encode("gb18030"))

    listing = organisation.listings.get()
    assert (listing.side, listing.category.code, listing.quantity, listing.region) == (
        "demand", "valve.ball", 500, "331000",
    )  # fmt: skip


def test_import_listings_all_or_none_writes_nothing_beside_a_bad_row(run):
    row = run([HEADER, GOOD, "A-2,gift,,x,,,"], mode="all_or_none")

    assert (row.status, counts(row)) == ("done", (0, 0, 0, 1))
    assert not Listing.objects.exists()


def test_import_listings_twice_changes_nothing_and_a_changed_row_is_an_edit(run, organisation):
    run([HEADER, GOOD, GOOD.replace("A-1", "A-2")])

    again = run([HEADER, GOOD, GOOD.replace("A-1", "A-2").replace("500", "350")])

    assert counts(again) == (0, 1, 1, 0)
    kept = organisation.listings.order_by("external_id").values_list("external_id", "quantity", "revision")
    assert list(kept) == [("A-1", 500, 1), ("A-2", 350, 2)]


def test_import_listings_without_external_ids_is_safe_to_run_twice(run):
    header, row = "side,category,title", "supply,valve.ball,ball valve"
    run([header, row])

    again = run([header, row])

    assert counts(again) == (0, 0, 1, 0)
    assert Listing.objects.count() == 1


def test_import_listings_keeps_what_the_file_has_no_column_for(run, organisation, trader, now):
    run([HEADER, GOOD])
    listing = organisation.listings.get()
    listings.edit_listing(
        listing=listing, by=trader, changes={"title_zh": "球阀", "certificates": ["CE"]}, now=timezone.now()
    )

    row = run([HEADER, GOOD.replace("500", "350")])

    listing.refresh_from_db()
    assert counts(row) == (0, 1, 0, 0)
    assert (listing.quantity, listing.title_zh, listing.title_en) == (350, "球阀", "304 ball valve")
    assert [certificate.code for certificate in listing.certificates.all()] == ["ce"]


def test_import_listings_leaves_what_open_offers_hold(run, organisation):
    run([HEADER, GOOD])
    Listing.objects.filter(organisation=organisation).update(held=400)

    refused = run([HEADER, GOOD.replace("500", "350")])
    taken = run([HEADER, GOOD.replace("500", "450")])

    assert (counts(refused), counts(taken)) == ((0, 0, 0, 1), (0, 1, 0, 0))
    assert refused.errors[0]["code"] == "held"
    assert (organisation.listings.get().quantity, organisation.listings.get().held) == (450, 400)


def test_import_listings_refuses_repeated_rows_and_closed_listings(run, organisation, trader):
    run([HEADER, GOOD])
    listings.close_listing(listing=organisation.listings.get(), by=trader, now=timezone.now())

    row = run([HEADER, GOOD.replace("500", "350"), GOOD.replace("500", "100")])

    assert [(error["row"], error["code"]) for error in row.errors] == [(3, "repeated"), (2, "closed")]


def test_import_listings_names_the_audience_by_uscc(run):
    friend = OrganisationFactory()
    header = "side,title,visibility,audience"
    row = run([header, f"supply,a ball valve,named,{friend.uscc}", "supply,b,named,", "supply,c,named,nobody"])

    assert counts(row) == (1, 0, 0, 2)
    assert list(Listing.objects.get().audience.all()) == [friend]
    assert [(error["row"], error["code"]) for error in row.errors] == [(3, "required"), (4, "unknown_organisation")]


def test_import_listings_takes_xlsx(run, organisation):
    workbook = openpyxl.Workbook()
    workbook.active.append(["外部编号", "方向", "类别", "标题", "属性:DN", "数量", "单位", "截止日期"])
    workbook.active.append([1001, "供应", "球阀", "法兰球阀", 50, 500.0, "只", dt.date(2099, 12, 31)])
    out = io.BytesIO()
    workbook.save(out)

    first, again = (run(out.getvalue(), name="listings.xlsx") for _ in range(2))

    assert (counts(first), counts(again)) == ((1, 0, 0, 0), (0, 0, 1, 0))
    listing = organisation.listings.get()
    assert (listing.external_id, listing.attributes, listing.window_end) == ("1001", {"DN": 50}, dt.date(2099, 12, 31))


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (b"PK\x03\x04nothing", "a.xlsx", "not_a_table"),
        (b"colour,shape\nred,round\n", "a.csv", "unknown_column"),
        (b"\n\n", "a.csv", "empty_file"),
    ],
)
def test_import_listings_says_why_a_file_as_a_whole_cannot_be_read(run, content, name, code):
    row = run(content, name=name)

    assert (row.status, counts(row)) == ("done", (0, 0, 0, 0))
    assert [(error["row"], error["code"]) for error in row.errors] == [(0, code)]


def test_import_listings_that_breaks_says_so(organisation, trader, now):
    row = ListingImport.objects.create(
        organisation=organisation, by=trader, file="imports/nowhere.csv", file_name="a.csv", requested_at=now
    )
    claimed = ListingImport.objects.claim(row.pk, now=now)

    with pytest.raises(FileNotFoundError):
        import_listings(claimed)

    row.refresh_from_db()
    assert (row.status, "FileNotFoundError" in row.failure) == ("failed", True)


def test_import_listings_by_a_replaced_worker_writes_nothing(organisation, trader, now):
    row = imports.request_import(
        file=ContentFile(f"{HEADER}\n{GOOD}".encode(), name="a.csv"),
        organisation=organisation, mode="good_rows", by=trader, now=now,
    )  # fmt: skip
    slow = ListingImport.objects.claim(row.pk, now=now)
    ListingImport.objects.filter(pk=row.pk).update(attempt=2)

    import_listings(slow)

    assert not Listing.objects.exists()


def test_import_listings_of_many_rows_is_quick(run):
    rows = [f"X-{n},supply,valve.ball,304 不锈钢法兰球阀 DN50 PN16 现货 {n},50,{n + 1},piece" for n in range(1000)]

    started = time.perf_counter()
    row = run([HEADER, *rows])

    # Ten thousand within a minute, asked of a machine that is busy with other tests.
    assert time.perf_counter() - started < 12
    assert counts(row) == (1000, 0, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_import_listings_beside_a_post_of_the_same_external_ids_makes_each_once(run, organisation, trader):
    rows = [GOOD.replace("A-1", f"A-{n}") for n in range(40)]

    def post():
        for n in reversed(range(40)):
            fields = {"external_id": f"A-{n}", "side": "supply", "title": "posted"}
            with contextlib.suppress(listings.KeyUsedForAnotherListing):
                listings.post_listing(organisation=organisation, by=trader, fields=fields, now=timezone.now())

    imported, _posted = race(lambda: run([HEADER, *rows]), post)

    assert imported.status == "done"
    assert organisation.listings.count() == 40
    assert imported.created + imported.updated + imported.refused == 40
