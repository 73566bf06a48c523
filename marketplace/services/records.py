from django.db import transaction
from django.db.models import F

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
    # Two orders may close at once: the database adds, so that neither is lost.
    Organisation.objects.filter(pk=organisation.pk).update(
        deliveries=F("deliveries") + deliveries, deliveries_on_time=F("deliveries_on_time") + on_time
    )
    organisation.refresh_from_db(fields=["deliveries", "deliveries_on_time"])
