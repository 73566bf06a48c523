import datetime as dt

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from config.celery import app
from marketplace import tasks
from marketplace.models import Listing, ListingImport
from marketplace.services import imports
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    CategoryFactory()
    trader = UserFactory()
    return imports.request_import(
        file=ContentFile(b"external_id,side,title\n1,supply,ball valve", name="a.csv"),
        organisation=OrganisationFactory(members__trader=trader), mode="good_rows", by=trader, now=timezone.now(),
    )  # fmt: skip


@pytest.fixture
def eager():
    """Let a bell be answered at once, in this process."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def test_import_listings_heard_twice_works_once(run):
    tasks.import_listings(run.pk)
    tasks.import_listings(run.pk)

    run.refresh_from_db()
    assert (run.status, run.attempt, run.created) == ("done", 1, 1)


def test_import_listings_that_breaks_leaves_the_reason(run):
    ListingImport.objects.update(file="imports/nowhere.csv")

    with pytest.raises(FileNotFoundError):
        tasks.import_listings(run.pk)

    run.refresh_from_db()
    assert run.status == "failed"


def test_ring_again_wakes_a_dead_import(run, eager):
    long_ago = timezone.now() - dt.timedelta(seconds=settings.RUN_LEFT_BEHIND_SECONDS + 1)
    ListingImport.objects.update(status="running", attempt=1, started_at=long_ago, requested_at=long_ago)

    tasks.ring_again()

    run.refresh_from_db()
    assert (run.status, run.attempt) == ("done", 2)


def test_ring_again_leaves_fresh_imports_to_their_own_bell(run, eager):
    tasks.ring_again()

    run.refresh_from_db()
    assert run.status == "waiting"


def test_expire_listings_takes_only_what_has_passed():
    past, future = timezone.now() - dt.timedelta(minutes=1), timezone.now() + dt.timedelta(days=1)
    gone, lasting, closed = (
        ListingFactory(expires_at=past), ListingFactory(expires_at=future),
        ListingFactory(expires_at=past, status=Listing.Status.CLOSED),
    )  # fmt: skip

    tasks.expire_listings()
    tasks.expire_listings()

    statuses = dict(Listing.objects.values_list("pk", "status"))
    assert statuses == {gone.pk: "expired", lasting.pk: "open", closed.pk: "closed"}
    assert Listing.objects.get(pk=gone.pk).revision == 2
