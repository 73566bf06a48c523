import numpy as np

from matching.retrieval.proof import Asked, BruteForce


def measured(asked, rows, *, k=3, part=4):
    ids = np.arange(1, len(rows) + 1)
    force = BruteForce(asked, k=k)
    for start in range(0, len(rows), part):
        force.look(ids[start : start + part], rows[start : start + part])
    return force.measured()


def rows_and_query(count=40, dim=8, seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, dim)).astype(np.float16)
    return rows, rng.normal(size=dim).astype(np.float32)


def best(rows, query, allowed, k):
    scores = rows.astype(np.float32) @ query
    return np.array(sorted(allowed, key=lambda pk: -scores[pk - 1])[:k])


def test_brute_force_finds_no_fault_in_what_is_right_however_the_rows_are_parted():
    rows, query = rows_and_query()
    allowed = np.arange(2, 40, 3)
    asked = [Asked(query, allowed, best(rows, query, allowed, 3))]

    for part in (1, 7, 40):
        (found,) = measured(asked, rows, part=part)
        assert (found.recall, found.allowed, found.is_short) == (1.0, 13, False)


def test_brute_force_counts_what_was_missed_and_what_the_filter_forbids():
    rows, query = rows_and_query()
    allowed = np.arange(2, 40, 3)
    right = best(rows, query, allowed, 3)
    forbidden = best(rows, query, np.setdiff1d(np.arange(1, 41), allowed), 1)

    missed, wrong = measured(
        [Asked(query, allowed, right[:2]), Asked(query, allowed, np.append(right[:2], forbidden))], rows
    )

    assert (missed.recall, missed.is_short) == (2 / 3, True)
    assert (wrong.recall, wrong.is_short) == (2 / 3, False)


def test_brute_force_takes_ties_for_equal_and_the_same_one_twice_for_one():
    rows = np.ones((6, 2), dtype=np.float16)
    query = np.ones(2, dtype=np.float32)
    everybody = np.arange(1, 7)

    tied, twice = measured(
        [Asked(query, everybody, np.array([4, 5, 6])), Asked(query, everybody, np.array([4, 4, 6]))], rows
    )

    assert tied.recall == 1.0
    assert twice.recall == 2 / 3


def test_brute_force_where_nothing_is_allowed_is_kept():
    rows, query = rows_and_query(4)

    (found,) = measured([Asked(query, np.array([], dtype=int), np.array([], dtype=int))], rows)

    assert (found.recall, found.allowed, found.is_short) == (1.0, 0, False)
