import json

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from matching.retrieval.encoder import SHIPPED, EncoderUnusable, StaticEncoder, folder_version, is_static, load_encoder

TEXTS = [
    "304 不锈钢法兰球阀 DN50 PN16",
    "醋酸盐(化学品)",
    "flanged ball valves",
    "ＤＮ５０ Ball-Valves",
    "a" * 5000,
    "龘",
]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(SHIPPED)


def test_encode_gives_rows_of_length_one(encoder):
    rows = encoder.encode(TEXTS[:5])

    assert rows.shape == (5, encoder.dim)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


@pytest.mark.parametrize("text", ["", "  ", "，！", "🚀"])
def test_encode_gives_zeros_for_a_text_that_says_nothing(encoder, text):
    assert not encoder.encode([text]).any()


def test_encode_of_no_text_has_no_rows(encoder):
    assert encoder.encode([]).shape == (0, encoder.dim)


def test_encode_does_not_look_at_the_other_texts(encoder):
    assert np.array_equal(encoder.encode(TEXTS)[2], encoder.encode([TEXTS[2]])[0])


def test_encode_reads_full_width_and_capitals_alike(encoder):
    assert np.array_equal(*encoder.encode(["ＤＮ５０ ＢＡＬＬ", "dn50 ball"]))


def test_encode_puts_a_translation_nearer_than_another_thing(encoder):
    valve, translation, tea = encoder.encode(["不锈钢球阀", "stainless steel ball valve", "绿茶"])

    assert valve @ translation > valve @ tea + 0.3


def test_static_folder_gives_the_vectors_of_sentence_transformers(tmp_path):
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - ten seconds, for this test alone
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding  # noqa: PLC0415

    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "flanged": 1, "ball": 2, "valves": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    vectors = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float16)
    modules = [StaticEmbedding(tokenizer, embedding_weights=vectors), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path), create_model_card=False)

    theirs = SentenceTransformer(str(tmp_path), device="cpu", local_files_only=True).float().encode(TEXTS)
    ours = load_encoder(tmp_path)

    assert type(ours) is StaticEncoder
    assert ours.encode(TEXTS) == pytest.approx(theirs, abs=1e-5)


def test_shipped_model_is_small_enough_for_a_repository():
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) <= 30 * 2**20


def test_version_changes_with_the_files_that_decide_the_vectors(tmp_path):
    (tmp_path / "modules.json").write_text("[]")
    before = folder_version(tmp_path)

    (tmp_path / "README.md").write_text("words")
    with_words = folder_version(tmp_path)
    (tmp_path / "modules.json").write_text("[1]")

    assert (before == with_words, before == folder_version(tmp_path)) == (True, False)


def test_is_static_knows_a_transformer_by_its_modules(tmp_path):
    modules = [{"type": f"sentence_transformers.models.{name}"} for name in ("Transformer", "Pooling", "Normalize")]
    (tmp_path / "modules.json").write_text(json.dumps(modules))

    assert not is_static(tmp_path)


def test_load_refuses_a_folder_without_a_model(tmp_path):
    with pytest.raises(EncoderUnusable, match=r"no modules\.json"):
        load_encoder(tmp_path)


def test_load_refuses_a_model_that_is_not_static(tmp_path):
    (tmp_path / "modules.json").write_text("[]")

    with pytest.raises(EncoderUnusable, match="StaticEmbedding"):
        StaticEncoder.load(tmp_path)
