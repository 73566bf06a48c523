from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Order, Organisation, Rating, User
from marketplace.services import deal_files
from marketplace.services.order_news import names, tell
from marketplace.services.orders import OrderNotInStateForThis, require_side

LONGEST_WORDS = 2000


class AlreadyRated(RuleBroken):
    pass


@transaction.atomic
def rate(*, order: Order, organisation: Organisation, stars: int, words: str, by: User, now: datetime) -> Rating:
    """Say as one side what the other was like; beside it stand the facts, which nobody types.

    :raises InputRefused: naming the field that cannot be taken
    :raises OrderNotInStateForThis: before the order is accepted
    :raises AlreadyRated: if this side rated before
    """
    order = Order.objects.locked().select_related("buyer", "seller").get(pk=order.pk)
    require_side(by, order, organisation)
    if order.status not in (Order.Status.ACCEPTED, Order.Status.CLOSED):
        raise OrderNotInStateForThis(_("An order is rated once it is accepted."))
    errors = {}
    if not isinstance(stars, int) or not 1 <= stars <= 5:
        errors["stars"] = [_("Give one to five stars.")]
    words = words.strip()
    if len(words) > LONGEST_WORDS:
        errors["words"] = [_("At most %(count)d characters.") % {"count": LONGEST_WORDS}]
    if errors:
        raise InputRefused(errors)
    other = order.other(organisation)
    try:
        with transaction.atomic():
            rating = Rating.objects.create(
                order=order,
                by_organisation=organisation,
                organisation=other,
                stars=stars,
                words=words,
                by=by,
                at=now,
            )
    except IntegrityError as error:
        if "rating_one_per_side" not in str(error):
            raise
        raise AlreadyRated(_("Your side has rated this order already.")) from error
    payload = {"for": deal_files.party_of(organisation), "stars": stars, "words": words}
    deal_files.record(order=order, kind="rating.given", by=by, at=now, payload=payload)
    who_zh, who_en = names(organisation)
    tell(
        order=order,
        event="rating.given",
        key=str(rating.pk),
        to=[other],
        title_zh=f"“{who_zh}”评价了订单 {order.number}：{stars} 星",
        title_en=f"“{who_en}” rated order {order.number}: {stars} of 5 stars",
        body=words,
        now=now,
        stars=stars,
    )
    return rating
