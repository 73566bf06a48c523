"""Pool small demands into orders: a supply gives nothing, or together at least its minimum order."""

from matching.clearing.ledger import Ledger


def close_short(ledger: Ledger) -> None:
    """Leave no supply short of its minimum order: fill it up from who lacks something, or close it.

    The shortest closes first, so that those who took from it may fill the next one up.
    """
    askers: list[list[int]] = [[] for _ in ledger.supply_left]
    for i, choices in enumerate(ledger.choices):
        for j, _ in choices:
            askers[j].append(i)
    short = {j for j in range(len(askers)) if ledger.is_short(j)}
    while short:
        j = min(short, key=lambda j: (_share(ledger, j), j))
        short.discard(j)
        if not ledger.is_short(j) or _filled_up(ledger, j, askers[j]):
            continue
        ledger.closed.add(j)
        moved = sorted(ledger.takers[j])
        for i in moved:
            if ledger.splittable[i]:
                ledger.take_back(i, j)
            else:
                ledger.empty(i)
        for i in moved:
            ledger.serve(i)
            short.update(other for other in ledger.taken[i] if ledger.is_short(other))


def _share(ledger: Ledger, j: int) -> float:
    return (ledger.quantity[j] - ledger.supply_left[j]) / ledger.pooled_minimum[j]


def _filled_up(ledger: Ledger, j: int, askers: list[int]) -> bool:
    """Draw to j what its other buyers take elsewhere, if nobody falls short by it; return whether that is enough."""
    moved: list[tuple[int, dict[int, int]]] = []
    for i in askers:
        if not ledger.is_short(j):
            break
        before = dict(ledger.taken[i])
        if j in before and not ledger.demand_left[i] and len(before) == 1:
            continue
        ledger.empty(i)
        steps = min(ledger.demand_left[i], ledger.supply_left[j])
        if steps > 0 and (ledger.splittable[i] or steps == ledger.demand_left[i]):
            ledger.give(i, j, steps)
            moved.append((i, before))
            if not any(ledger.is_short(other) for other in before if other != j):
                continue
            moved.pop()
            ledger.empty(i)
        ledger.restore(i, before)
    if not ledger.is_short(j):
        return True
    for i, _ in moved:
        ledger.empty(i)
    for i, before in moved:
        ledger.restore(i, before)
    return False
