import heapq
from collections.abc import Sequence
from fractions import Fraction


def in_proportion(weights: Sequence[int], total: int) -> list[int]:
    """Split a total into whole parts in proportion to the weights; ties go to whoever stands earlier.

    Every weight is divided by one and the same number and rounded to the nearest whole, where that number is chosen so
    that the parts sum to the total (Sainte-Laguë, 1910; Webster). So anybody can check it, a larger weight never gets
    less than a smaller one, and unlike with largest remainders a larger total never gives anybody less (the "Alabama
    paradox": M. Balinski, H. P. Young, Fair Representation, 1982). The total is at most the sum of the weights, and
    then no part exceeds its weight.

    What it costs: beside many very small weights a part may lie some steps, not less than one, from its exact share.

    >>> in_proportion([10, 20, 30], 50)
    [8, 17, 25]
    >>> in_proportion([1, 1, 1], 2)
    [1, 1, 0]

    Largest remainders give 4, 4, 2 of 10 here, and 5, 5, 1 of 11: the third loses by there being more.

    >>> in_proportion([6, 6, 2], 10), in_proportion([6, 6, 2], 11)
    ([5, 4, 1], [5, 5, 1])
    """
    everything = sum(weights)
    if not 0 <= total <= everything:
        raise ValueError(total)
    if not total:
        return [0] * len(weights)
    # Rounded at the divisor everything / total; halves go up, and what is too much comes off again below.
    parts = [(2 * weight * total + everything) // (2 * everything) for weight in weights]
    missing = total - sum(parts)
    # At most half a step per weight is to be mended, so this is short however large the numbers are.
    if missing > 0:
        next_up = [
            (-Fraction(weight, 2 * part + 1), place)
            for place, (weight, part) in enumerate(zip(weights, parts, strict=True))
        ]
        heapq.heapify(next_up)
        for _ in range(missing):
            place = next_up[0][1]
            parts[place] += 1
            heapq.heapreplace(next_up, (-Fraction(weights[place], 2 * parts[place] + 1), place))
    elif missing < 0:
        last_up = [
            (Fraction(weight, 2 * part - 1), -place)
            for place, (weight, part) in enumerate(zip(weights, parts, strict=True))
            if part
        ]
        heapq.heapify(last_up)
        for _ in range(-missing):
            place = -heapq.heappop(last_up)[1]
            parts[place] -= 1
            if parts[place]:
                heapq.heappush(last_up, (Fraction(weights[place], 2 * parts[place] - 1), -place))
    return parts
