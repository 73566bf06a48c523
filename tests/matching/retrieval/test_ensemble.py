import numpy as np
import pytest

from matching.retrieval.ensemble import merge
from matching.retrieval.gram_encoder import GramEncoder, Vocabulary

TEXTS = ["球阀", "闸阀", "ball valve", "tea"]


def member(seed, *, features=("球", "阀", "闸", "<ball>", "<valve>"), buckets=4):
    table = np.random.default_rng(seed).normal(size=(len(features) + buckets, 16))
    return GramEncoder.of(Vocabulary(features, buckets=buckets), table)


def test_merged_inner_products_are_about_the_mean_of_the_members():
    members = [member(0), member(1)]

    merged = merge(members, TEXTS, dim=32).encode(TEXTS)

    mean = np.mean([each.encode(TEXTS) @ each.encode(TEXTS).T for each in members], axis=0)
    assert merged @ merged.T == pytest.approx(mean, abs=0.25)


def test_merging_an_encoder_with_itself_changes_no_inner_product():
    one = member(0)

    merged = merge([one, one], TEXTS, dim=16).encode(TEXTS)

    assert merged @ merged.T == pytest.approx(one.encode(TEXTS) @ one.encode(TEXTS).T, abs=0.03)


def test_a_feature_that_a_member_lacks_is_zero_in_its_part():
    one = member(0)
    table = member(1, features=("阀", "茶")).table(one.vocabulary)

    assert not table[0].any()
    assert table[1].any()


def test_encoders_of_other_shared_rows_are_refused():
    with pytest.raises(ValueError, match="shared rows"):
        merge([member(0), member(1, buckets=8)], TEXTS, dim=16)
