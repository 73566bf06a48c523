import pytest
from django.db import IntegrityError

from marketplace.models import Organisation
from marketplace.services import records
from tests.factories import OrganisationFactory

pytestmark = pytest.mark.django_db


def test_record_deliveries_adds_to_what_is_there():
    organisation = OrganisationFactory(deliveries=10, deliveries_on_time=9)

    records.record_deliveries(organisation=organisation, deliveries=2, on_time=1)

    assert (organisation.deliveries, organisation.deliveries_on_time) == (12, 10)


def test_record_deliveries_counts_both_of_two_that_come_at_once():
    organisation = OrganisationFactory()
    stale = Organisation.objects.get(pk=organisation.pk)

    records.record_deliveries(organisation=organisation, deliveries=1, on_time=1)
    records.record_deliveries(organisation=stale, deliveries=1, on_time=0)

    organisation.refresh_from_db()
    assert organisation.on_time_rate == 0.5


@pytest.mark.parametrize(("deliveries", "on_time"), [(1, 2), (1, -1), (-1, -1)])
def test_record_deliveries_refuses_what_does_not_add_up(deliveries, on_time):
    with pytest.raises(records.RecordDoesNotAddUp):
        records.record_deliveries(organisation=OrganisationFactory(), deliveries=deliveries, on_time=on_time)


def test_on_time_rate_is_none_without_a_record():
    assert OrganisationFactory().on_time_rate is None


def test_organisation_cannot_deliver_more_on_time_than_it_delivers():
    with pytest.raises(IntegrityError, match="delivers_on_time"):
        OrganisationFactory(deliveries=1, deliveries_on_time=2)
