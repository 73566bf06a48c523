from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Listing, RequestForQuotation, User
from marketplace.services import rfqs
from marketplace.services.rfq_invitations import Invitee
from matching.models import Match


@transaction.atomic
def ask_for_quotes(*, demand: Listing, chosen: Collection[int], by: User, now: datetime) -> RequestForQuotation:
    """Draft a request for quotation from a demand to the suppliers of these matches, each with why it fits.

    :raises InputRefused: if none of them is a match that the user sees now
    """
    visible = Match.objects.for_listing(demand).current(now).visible_to(by).with_listings()
    matches = list(visible.filter(pk__in=chosen).order_by("-score", "pk"))
    if not matches:
        raise InputRefused({"match": [_("Choose at least one match.")]})
    invitees = [
        Invitee(
            match.supply.organisation,
            match.supply,
            {"reasons": match.reasons, "score": match.score, "model_version": match.model_version},
        )
        for match in matches
    ]
    return rfqs.create_rfq(
        buyer=demand.organisation,
        by=by,
        fields={},
        lines=rfqs.first_lines(demand),
        # Of a firm with two fitting supplies the better one is asked for.
        suppliers=list({one.supplier.pk: one for one in reversed(invitees)}.values())[::-1],
        demand=demand,
        now=now,
    )
