"""The admin looks at applications and decisions, and changes none: four eyes have no back door."""

import pytest
from django.urls import reverse

from finance.models import Agreement, Application, Authority, CreditProduct, Decision
from tests.factories import UserFactory
from tests.factories_application import scene

pytestmark = pytest.mark.django_db
MODELS = (Agreement, Application, Authority, CreditProduct, Decision)


def address(model, page, *args):
    return reverse(f"admin:finance_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def admin(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", MODELS)
def test_admin_shows_but_never_changes(admin, now, model):
    application = scene(now).accept()
    row = model.objects.order_by("pk").last()

    assert admin.get(address(model, "changelist")).status_code == 200
    assert admin.get(address(model, "change", row.pk)).status_code == 200
    for page, args in (("change", [row.pk]), ("delete", [row.pk]), ("add", [])):
        assert admin.post(address(model, page, *args), {"post": "yes"}).status_code == 403
    bulk = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    admin.post(address(model, "changelist"), bulk)
    assert model.objects.filter(pk=row.pk).exists()
    application.refresh_from_db()
    assert application.status == "agreed"
