"""The command that reckons scores again."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from finance import tasks
from finance.models import CreditAssessment
from finance.services import assessments
from tests.factories import NOON, OrganisationFactory, UserFactory
from tests.factories_assessment import ScorecardFactory, trade

pytestmark = pytest.mark.django_db


@pytest.fixture
def assessment():
    owner = UserFactory()
    firm = OrganisationFactory(members=[owner])
    trade(firm)
    ScorecardFactory()
    run = assessments.request_assessment(organisation=firm, by=owner, now=NOON)
    tasks.assess(run.pk)
    return run


def test_recheck_assessments_finds_that_all_come_out(assessment, tmp_path):
    out = io.StringIO()

    call_command("recheck_assessments", json=tmp_path / "found.json", stdout=out)

    found = json.loads((tmp_path / "found.json").read_text())
    assert found == {"checked": 1, "reproduced": 1, "same_records": 1, "records_gone": 0, "wrong": []}
    assert "reproduced 1" in out.getvalue()


def test_recheck_assessments_names_what_was_changed(assessment):
    CreditAssessment.objects.update(probability=0.5)
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 of 1"):
        call_command("recheck_assessments", organisation=assessment.organisation.uscc, stdout=out)

    assert "differs in probability" in out.getvalue()
