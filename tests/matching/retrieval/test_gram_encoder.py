import numpy as np
import pytest

from matching.retrieval.encoder import EncoderUnusable, load_encoder
from matching.retrieval.gram_encoder import GramEncoder, Vocabulary


@pytest.fixture
def encoder():
    table = np.random.default_rng(0).normal(size=(7, 16)).astype(np.float32)
    return GramEncoder.of(Vocabulary(["球", "阀", "<valve>"], buckets=4), table)


def test_encode_adds_up_the_rows_of_the_features(encoder):
    table = np.random.default_rng(0).normal(size=(7, 16))

    expected = table[2] / np.linalg.norm(table[2])

    assert encoder.encode(["valves"])[0] == pytest.approx(expected, abs=0.02)


def test_encode_knows_an_unknown_code_again(encoder):
    one, same, other = encoder.encode(["XQ7781", "xq7781", "qqqqq"])

    assert np.array_equal(one, same)
    assert one @ other < 0.99


def test_encode_adds_nothing_for_an_unknown_part():
    vocabulary = Vocabulary(["<valve>"], buckets=0)

    assert (vocabulary.rows("valve"), vocabulary.rows("pump")) == ([0], [])


def test_saved_encoder_loads_as_it_was(encoder, tmp_path):
    encoder.save(tmp_path)

    loaded = load_encoder(tmp_path)

    assert np.array_equal(loaded.encode(["球阀 DN50", "valve"]), encoder.encode(["球阀 DN50", "valve"]))
    assert (loaded.dim, len(loaded.version)) == (16, 12)


def test_load_refuses_files_that_do_not_belong_together(encoder, tmp_path):
    encoder.save(tmp_path)
    (tmp_path / "features.txt").write_text("球\n", encoding="utf-8")

    with pytest.raises(EncoderUnusable, match="do not belong together"):
        load_encoder(tmp_path)
