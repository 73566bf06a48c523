"""What is told about collective purchases, in both languages."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone

from marketplace.models import Announcement, Order, Organisation, PoolCommitment, PurchasePool
from marketplace.parsing.units import format_quantity


def names(organisation: Organisation) -> tuple[str, str]:
    return organisation.name_zh or organisation.name_en, organisation.name_en or organisation.name_zh


def _quantities(quantity: Decimal, pool: PurchasePool) -> tuple[str, str]:
    return format_quantity(quantity, pool.unit, "zh"), format_quantity(quantity, pool.unit, "en")


def _fact(
    pool: PurchasePool,
    event: str,
    to: Organisation,
    key: object,
    titles: tuple[str, str],
    bodies: tuple[str, str] = ("", ""),
    **data: object,
) -> Announcement:
    return Announcement(
        event=event,
        deduplication_key=f"{event}:{pool.pk}:{to.pk}:{key}",
        organisation=to,
        title_zh=f"{titles[0]}：{pool.title_zh or pool.title_en}",
        title_en=f"{titles[1]}: {pool.title_en or pool.title_zh}",
        body_zh=bodies[0],
        body_en=bodies[1],
        url=reverse("marketplace:pool_detail", args=[pool.pk]),
        data={"pool": pool.pk, "number": pool.number, "status": pool.status, **data},
    )


def opened(pool: PurchasePool, invited: Iterable[Organisation]) -> list[Announcement]:
    """Tell the invited firms that they may join."""
    name_zh, name_en = names(pool.organiser)
    titles = f"{name_zh}邀请贵方参加集采", f"{name_en} invites you to a collective purchase"
    until = timezone.localtime(pool.closes_at) if pool.closes_at else None
    bodies = (f"截止：{until:%Y-%m-%d %H:%M}", f"Closes: {until:%Y-%m-%d %H:%M}") if until else ("", "")
    return [_fact(pool, "pool.opened", one, "invited", titles, bodies) for one in invited]


def joined(pool: PurchasePool, commitment: PoolCommitment) -> list[Announcement]:
    name_zh, name_en = names(commitment.organisation)
    quantity_zh, quantity_en = _quantities(commitment.quantity, pool)
    titles = f"{name_zh}承诺 {quantity_zh}", f"{name_en} commits to {quantity_en}"
    key = f"{commitment.pk}:{commitment.quantity}"
    return [_fact(pool, "pool.joined", pool.organiser, key, titles, commitment=commitment.pk)]


def left(pool: PurchasePool, commitment: PoolCommitment) -> list[Announcement]:
    name_zh, name_en = names(commitment.organisation)
    titles = f"{name_zh}已退出集采", f"{name_en} has left the collective purchase"
    return [_fact(pool, "pool.left", pool.organiser, commitment.pk, titles, commitment=commitment.pk)]


def leave_requested(pool: PurchasePool, commitment: PoolCommitment) -> list[Announcement]:
    name_zh, name_en = names(commitment.organisation)
    titles = f"{name_zh}申请退出集采", f"{name_en} asks to leave the collective purchase"
    bodies = commitment.leave_reason, commitment.leave_reason
    return [
        _fact(pool, "pool.leave_requested", pool.organiser, commitment.pk, titles, bodies, commitment=commitment.pk)
    ]


def let_go(pool: PurchasePool, commitment: PoolCommitment) -> list[Announcement]:
    titles = "组织方已同意贵方退出集采", "The organiser lets you leave the collective purchase"
    bodies = ("", "")
    if commitment.leaving_amount:
        owed = f"{commitment.leaving_amount} {pool.currency}"
        bodies = f"按退出规则应付：{owed}", f"Owed by the rule for leaving: {owed}"
    return [_fact(pool, "pool.left", commitment.organisation, commitment.pk, titles, bodies, commitment=commitment.pk)]


def closed(pool: PurchasePool, members: Iterable[Organisation], total: Decimal) -> list[Announcement]:
    quantity_zh, quantity_en = _quantities(total, pool)
    titles = f"集采已截止，共 {quantity_zh}", f"A collective purchase closed with {quantity_en}"
    bodies = "组织方将与供应商洽谈。", "The organiser now negotiates with suppliers."
    return [_fact(pool, "pool.closed", one, "closed", titles, bodies, total=str(total)) for one in _all(pool, members)]


def failed(pool: PurchasePool, members: Iterable[Organisation], total: Decimal) -> list[Announcement]:
    minimum_zh, minimum_en = _quantities(pool.minimum_quantity, pool)
    quantity_zh, quantity_en = _quantities(total, pool)
    titles = "集采未达到起订量", "A collective purchase failed"
    bodies = (
        f"共承诺 {quantity_zh}，起订量为 {minimum_zh}。各方的需求已释放。",
        f"{quantity_en} were committed, the minimum is {minimum_en}. All demands are free again.",
    )
    return [_fact(pool, "pool.failed", one, "failed", titles, bodies, total=str(total)) for one in _all(pool, members)]


def given_up(pool: PurchasePool, members: Iterable[Organisation], total: Decimal) -> list[Announcement]:
    titles = "集采未找到供应商", "No supplier was found for a collective purchase"
    bodies = "各方的需求已释放。", "All demands are free again."
    return [_fact(pool, "pool.failed", one, "failed", titles, bodies, total=str(total)) for one in _all(pool, members)]


def cancelled(pool: PurchasePool, members: Iterable[Organisation]) -> list[Announcement]:
    titles = "集采已取消", "A collective purchase was cancelled"
    bodies = pool.cancel_reason, pool.cancel_reason
    return [_fact(pool, "pool.cancelled", one, "cancelled", titles, bodies) for one in members]


def asked(pool: PurchasePool, supplier: Organisation, *, negotiation: int, quantity: Decimal) -> Announcement:
    """Tell a supplier that it is asked to serve the pool; it answers on the page of the negotiation."""
    name_zh, name_en = names(pool.organiser)
    quantity_zh, quantity_en = _quantities(quantity, pool)
    titles = f"{name_zh}就集采 {quantity_zh} 邀请贵方报价", f"{name_en} asks for your offer of {quantity_en}"
    fact = _fact(pool, "pool.asked", supplier, "asked", titles, negotiation=negotiation)
    return replace(fact, url=reverse("marketplace:negotiation_detail", args=[negotiation]))


def ordered(pool: PurchasePool, commitment: PoolCommitment, order: Order) -> Announcement:
    quantity_zh, quantity_en = _quantities(commitment.allocated_quantity, pool)
    titles = f"集采成交，贵方分得 {quantity_zh}", f"A collective purchase was ordered: {quantity_en} are yours"
    bodies = f"订单 {order.number}", f"Order {order.number}"
    data = {"order": order.pk, "allocated": str(commitment.allocated_quantity)}
    return _fact(pool, "pool.ordered", commitment.organisation, commitment.pk, titles, bodies, **data)


def not_served(pool: PurchasePool, commitment: PoolCommitment) -> Announcement:
    titles = "集采已成交，贵方未分得数量", "A collective purchase was ordered without you"
    if commitment.status == PoolCommitment.Status.PRICED_OUT:
        bodies = "成交价高于贵方最高单价。", "The price is above your maximum."
    else:
        bodies = "按缺货规则没有剩余数量。", "By the rule for shortages nothing was left."
    return _fact(pool, "pool.ordered", commitment.organisation, commitment.pk, titles, bodies, allocated="0")


def _all(pool: PurchasePool, members: Iterable[Organisation]) -> list[Organisation]:
    """Return the members and the organiser, each once."""
    return list({one.pk: one for one in (*members, pool.organiser)}.values())
