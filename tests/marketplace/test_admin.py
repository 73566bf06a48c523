import pytest
from django.contrib import admin
from django.urls import reverse

from marketplace.models import Category, Dispute, Listing, Organisation, Report, UsccContest
from marketplace.services import disputes, organisations
from marketplace.services.order_lines import move
from tests.factories import CategoryFactory, ListingFactory, OrganisationFactory, UserFactory
from tests.factories_order import order_of

pytestmark = pytest.mark.django_db
# The pages do this when they are first asked for; here it is needed before.
admin.autodiscover()
OURS = [model for model in admin.site._registry if model._meta.app_label == "marketplace"]


@pytest.fixture
def desk(client):
    """Return a client of the platform operator."""
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def act(desk, model, action, *rows):
    url = reverse(f"admin:marketplace_{model._meta.model_name}_changelist")
    return desk.post(url, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
def test_every_list_and_row_can_be_read(desk, model):
    organisation, user = OrganisationFactory(), UserFactory()
    listing = ListingFactory(organisation=organisation)
    listing.certificates.create(code="ce")
    organisations.contest_uscc(organisation=organisation, by=user, evidence="x", now=listing.created_at)
    organisations.report_organisation(
        organisation=organisation, reason="spam", text="x", by=user, now=listing.created_at
    )
    name = f"admin:marketplace_{model._meta.model_name}"

    shown = desk.get(reverse(f"{name}_changelist"))
    row = model.objects.first()
    detail = desk.get(reverse(f"{name}_change", args=[row.pk])) if row else shown

    assert (shown.status_code, detail.status_code) == (200, 200)


def test_approve_and_suspend_call_the_services(desk):
    waiting, approved = OrganisationFactory(state="pending", reviewed_at=None), OrganisationFactory()

    act(desk, Organisation, "approve", waiting, approved)
    act(desk, Organisation, "suspend", approved)

    states = dict(Organisation.objects.values_list("pk", "state"))
    assert states == {waiting.pk: "approved", approved.pk: "suspended"}
    assert Organisation.objects.get(pk=waiting.pk).reviewed_by.is_staff


def test_contests_and_reports_are_answered_once(desk, now):
    claimant, organisation = UserFactory(), OrganisationFactory(members=[UserFactory()])
    contest = organisations.contest_uscc(organisation=organisation, by=claimant, evidence="x", now=now)
    report = organisations.report_organisation(organisation=organisation, reason="spam", text="x", by=claimant, now=now)

    act(desk, UsccContest, "uphold", contest)
    again = act(desk, UsccContest, "reject", contest)
    act(desk, Report, "answer_looked_at", report)

    contest.refresh_from_db()
    report.refresh_from_db()
    assert contest.outcome == "upheld"
    assert report.answered_at is not None
    assert len(again.context["messages"]) == 1


def test_rows_are_read_only(desk):
    listing = ListingFactory()
    url = reverse("admin:marketplace_listing_change", args=[listing.pk])

    answer = desk.post(url, {"title_zh": "hacked"})

    assert answer.status_code == 403
    assert Listing.objects.get().title_zh == listing.title_zh


def test_category_is_edited_by_the_service(desk):
    category = CategoryFactory()
    url = reverse("admin:marketplace_category_change", args=[category.pk])
    form = desk.get(url).context["adminform"].form
    said = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    said = {name: "" if value is None else value for name, value in said.items()}
    said |= {"name_zh": "新球阀", "schema": "{}", "synonyms_zh": "[]", "synonyms_en": "[]"}

    refused = desk.post(url, said | {"schema": '{"type": "nothing"}'})
    desk.post(url, said)

    assert "schema" in refused.context["adminform"].form.errors
    category.refresh_from_db()
    assert category.name_zh == "新球阀"
    assert category.edited_at is not None


def test_category_is_added_and_retired_by_the_service(desk):
    url = reverse("admin:marketplace_category_add")
    said = {
        "code": "own", "kind": "product", "name_zh": "自有", "name_en": "Own", "family": "own", "schema": "{}",
        "synonyms_zh": "[]", "synonyms_en": "[]",
    }  # fmt: skip

    desk.post(url, said)
    category = Category.objects.get(code="own")
    act(desk, Category, "retire", category)

    category.refresh_from_db()
    assert category.edited_at is not None
    assert category.retired_at is not None


def test_desk_is_closed_to_others(client):
    client.force_login(UserFactory())

    assert client.get(reverse("admin:marketplace_organisation_changelist")).status_code == 302


def test_disputes_are_decided_at_the_desk(desk, now):
    buyer, seller = UserFactory(), UserFactory()
    order = order_of(buyer=OrganisationFactory(members=[buyer]), seller=OrganisationFactory(members=[seller]))
    line = order.lines.get()
    move(line=line, quantity=500, source="outstanding", target="in_delivery", by=seller, at=now)
    said = {"line": line, "organisation": order.buyer, "quantity": 60, "kind": "quality", "text": "x"}
    dispute = disputes.open_dispute(by=buyer, now=now, **said)

    act(desk, Dispute, "decide_returned", dispute)

    dispute.refresh_from_db()
    line.refresh_from_db()
    assert (dispute.status, line.returned) == ("decided", 60)
