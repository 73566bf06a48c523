"""The log of the instance: appended to in the use case's transaction, never changed, and proved from the rows."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from finance.models import LogHead, LogLeaf, LogNode
from finance.services import evidence
from finance.verify_voucher import canonical
from finance.vouchers.merkle import EMPTY_ROOT, Tree, leaf_hash, verify_consistency, verify_inclusion
from tests.factories import OrganisationFactory
from tests.races import race

pytestmark = pytest.mark.django_db


def grow(count, now, kind="record.added"):
    return evidence.append_all(entries=[evidence.Entry(kind, {"n": n}) for n in range(count)], at=now)


def test_append_gives_each_leaf_the_next_place(now):
    first = evidence.append(kind="voucher.issued", content={"voucher": 7}, at=now)
    second = evidence.append(kind="voucher.revoked", content={"voucher": 7, "why": None, "final": True}, at=now)

    assert (first.index, second.index) == (0, 1)
    head = evidence.head()
    assert head.size == 2
    assert head.root == Tree([bytes(first.leaf_hash), bytes(second.leaf_hash)]).root()


def test_leaf_read_again_has_the_hash_it_was_given(now):
    content = {"名": "阀门", "numbers": [1, 2, 10**18], "nested": {"b": None, "a": False}}

    evidence.append(kind="thing.done", content=content, at=now)

    leaf = LogLeaf.objects.get(pk=0)
    assert leaf_hash(canonical(leaf.entry()).encode()) == bytes(leaf.leaf_hash)
    assert str(leaf) == "0: thing.done"


def test_empty_log_has_the_root_of_nothing():
    assert evidence.head().root == EMPTY_ROOT
    assert evidence.root_at(0) == EMPTY_ROOT
    assert evidence.append_all(entries=[], at=None) == []


def test_proofs_read_from_the_rows_hold_for_every_size(now):
    hashes = [bytes(leaf.leaf_hash) for leaf in grow(21, now)]
    tree = Tree(hashes)

    for size in range(1, 22):
        assert evidence.root_at(size) == tree.root(size)
        for index in range(0, size, 4):
            proof = evidence.inclusion_proof(index=index, size=size)
            assert verify_inclusion(hashes[index], index, size, proof, tree.root(size))
        proof = evidence.consistency_proof(old=size, size=21)
        assert verify_consistency(size, 21, proof, tree.root(size), tree.root())


def test_proof_asks_two_queries_however_long_the_log(now, django_assert_num_queries):
    grow(70, now)

    with django_assert_num_queries(2):
        evidence.inclusion_proof(index=33, size=70)


def test_append_undone_with_its_use_case_leaves_no_trace(now):
    def use_case():
        with transaction.atomic():
            evidence.append(kind="thing.done", content={}, at=now)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        use_case()

    assert evidence.head().size == 0
    assert evidence.append(kind="thing.done", content={}, at=now).index == 0


@pytest.mark.parametrize("content", [{"amount": 1.5}, {"inner": [{"day": object()}]}, {1: "one"}])
def test_append_takes_nothing_without_one_written_form(content, now):
    with pytest.raises(TypeError):
        evidence.append(kind="thing.done", content=content, at=now)

    assert LogLeaf.objects.count() == 0


@pytest.mark.parametrize(
    "forgery",
    [
        lambda: LogLeaf.objects.filter(pk=1).update(content={"n": 9}),
        lambda: LogLeaf.objects.filter(pk=2).delete(),
        lambda: LogNode.objects.update(hash=b"0" * 32),
        lambda: LogNode.objects.all().delete(),
        lambda: LogHead.objects.update(size=2),
        lambda: LogHead.objects.all().delete(),
    ],
)
def test_database_refuses_to_change_the_log(forgery, now):
    grow(3, now)

    with pytest.raises(DatabaseError), transaction.atomic():
        forgery()

    assert LogLeaf.objects.count() == evidence.head().size == 3


def test_database_refuses_a_gap(now):
    grow(2, now)

    with pytest.raises(DatabaseError, match="follows the leaf before it"), transaction.atomic():
        LogLeaf.objects.create(index=5, kind="thing.done", content={}, at=now, leaf_hash=b"0" * 32)


def test_database_refuses_a_kind_that_is_none(now):
    with pytest.raises(IntegrityError, match="log_leaf_is_of_a_kind"), transaction.atomic():
        evidence.append(kind="Nothing", content={}, at=now)


def test_database_refuses_a_second_head(now):
    grow(1, now)

    with pytest.raises(IntegrityError, match="log_has_one_head"), transaction.atomic():
        LogHead.objects.create(pk=2)


@pytest.mark.django_db(transaction=True)
def test_append_by_many_at_once_leaves_no_gap(now):
    def add():
        with transaction.atomic():
            return evidence.append(kind="thing.done", content={}, at=now).index

    places = race(*[add] * 8)

    assert sorted(places) == list(range(8))
    assert evidence.root_at(8) == evidence.head().root
    connection.close()


def test_pseudonym_is_the_same_each_time_and_another_for_another_firm():
    one, other = (
        OrganisationFactory(),
        OrganisationFactory(uscc=None, identifier_type="vat", foreign_identifier="DE1", country="DE"),
    )

    assert evidence.pseudonym(one) == evidence.pseudonym(one)
    assert evidence.pseudonym(one) != evidence.pseudonym(other)
    assert one.uscc not in evidence.pseudonym(one)


def test_leaves_of_a_firm_are_found_by_its_pseudonym(now):
    firm = evidence.pseudonym(OrganisationFactory())
    evidence.append(kind="records.imported", content={"organisation": firm, "count": 3}, at=now)
    evidence.append(kind="records.imported", content={"organisation": "another", "count": 1}, at=now)

    assert [leaf.index for leaf in LogLeaf.objects.of_firm(firm)] == [0]
