from django.db import transaction

from config.errors import RuleBroken
from marketplace.models import Organisation


class RecordDoesNotAddUp(RuleBroken):
    """More deliveries on time than deliveries, or fewer than none."""


@transaction.atomic
def record_deliveries(*, organisation: Organisation, deliveries: int, on_time: int) -> None:
    """Add deliveries to a supplier's record; matching reads it as a reason.

    :raises RecordDoesNotAddUp: unless 0 ≤ on_time ≤ deliveries
    """
    if not 0 <= on_time <= deliveries:
        raise RecordDoesNotAddUp(f"{on_time} of {deliveries} deliveries cannot have come on time.")
    Organisation.objects.filter(pk=organisation.pk).add_deliveries(deliveries=deliveries, on_time=on_time)
    organisation.refresh_from_db(fields=["deliveries", "deliveries_on_time"])
