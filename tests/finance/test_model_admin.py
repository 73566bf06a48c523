"""The admin is no back door to models and scores: it looks, and sees no firm's score."""

import pytest
from django.urls import reverse

from tests.factories import UserFactory
from tests.factories_assessment import AssessmentFactory, CutOffsFactory, PromotionRuleFactory

pytestmark = pytest.mark.django_db
MAKERS = {
    "creditassessment": AssessmentFactory,
    "cutoffs": CutOffsFactory,
    "promotionrule": PromotionRuleFactory,
    "scorecard": lambda: AssessmentFactory().scorecard,
}


@pytest.fixture(autouse=True)
def _operator(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))


@pytest.mark.parametrize("name", MAKERS)
def test_admin_lists_and_changes_nothing(client, name):
    row = MAKERS[name]()

    codes = [
        client.get(reverse(f"admin:finance_{name}_changelist")).status_code,
        client.get(reverse(f"admin:finance_{name}_change", args=[row.pk])).status_code,
        client.post(reverse(f"admin:finance_{name}_change", args=[row.pk]), {}).status_code,
        client.get(reverse(f"admin:finance_{name}_add")).status_code,
        client.post(reverse(f"admin:finance_{name}_delete", args=[row.pk]), {"post": "yes"}).status_code,
    ]

    assert codes == [200, 200, 403, 403, 403]


def test_admin_does_not_show_a_firms_score(client):
    row = AssessmentFactory(score=777, failure="")

    said = client.get(reverse("admin:finance_creditassessment_change", args=[row.pk])).content.decode()

    assert "777" not in said
