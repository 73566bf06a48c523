"""Learn the vocabulary of the static embedding: Chinese pieces, whole English words, and word parts for the rest.

The tokenizer normalises and cuts by itself (its rules are saved in tokenizer.json), so that sentence-transformers and
our own encoder see the same tokens: NFKC, lower case, punctuation to spaces, cuts between scripts. The end of a Chinese
run is marked, so that its last piece is a token of its own: Chinese names end in what the thing is (不锈钢球阀 is a 阀),
and the mark is what lets a model without word order weigh that.
"""

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.trainers import UnigramTrainer

UNKNOWN = "[UNK]"
END = "▁"
# Scores are logarithms of probabilities: a whole word or code must win against any two parts of it.
WHOLE_SCORE = -9.0
PART_PENALTY = 3.0
RAREST_PART = -16.0
_CUT = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[a-z]+|[0-9]+|[^\s]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


def is_chinese(piece: str) -> bool:
    return bool(_HAN.match(piece))


def plain(text: str) -> str:
    """Return the text as the tokenizer normalises it.

    >>> plain("ＤＮ５０ Ball-Valves（304）")
    'dn50 ball valves 304'
    """
    return " ".join(re.sub(r"[^\w%°]|_", " ", unicodedata.normalize("NFKC", text).lower()).split())


def words(text: str) -> list[str]:
    """Return the runs that a token never crosses, the Chinese ones with their end marked.

    >>> words("304不锈钢 DN50")
    ['304', '不锈钢▁', 'dn', '50']
    """
    return [run + END if is_chinese(run) else run for run in _CUT.findall(plain(text))]


def learn_tokenizer(
    texts: Iterable[str], domain: Iterable[str], *, chinese: int = 12_500, parts: int = 2_500, rarest_word: int = 8
) -> Tokenizer:
    """Return a tokenizer learnt from all texts; every English word of the ``domain`` texts becomes one token.

    ``chinese`` pieces and ``parts`` of words are chosen by a Unigram model (Kudo, 2018); an English word of the other
    texts is taken whole when it stands there ``rarest_word`` times.
    """
    domain_words = Counter(word for text in domain for word in words(text))
    counts = Counter(word for text in texts for word in words(text)) + domain_words
    scores: dict[str, float] = {UNKNOWN: -100.0}
    for piece, score in _unigram({word: n for word, n in counts.items() if is_chinese(word)}, chinese, longest=12):
        scores.setdefault(piece, score)
    for last in sorted({word[-2:] for word in domain_words if is_chinese(word)}):
        scores.setdefault(last, RAREST_PART)
    # Alone the mark says nothing: any other cut is better.
    scores[END] = 2 * RAREST_PART
    latin = {word: n for word, n in counts.items() if not is_chinese(word)}
    for piece, score in _unigram(latin, parts, longest=8):
        scores.setdefault(piece, score - PART_PENALTY if len(piece) > 1 else RAREST_PART)
    for word, count in sorted(latin.items()):
        if len(word) > 1 and (count >= rarest_word or word in domain_words):
            scores[word] = WHOLE_SCORE
    return _tokenizer(scores)


def _unigram(counts: Mapping[str, int], size: int, *, longest: int) -> list[tuple[str, float]]:
    """Return the pieces and scores that a Unigram model of this size learns, the single characters among them."""
    if not counts:
        return []
    tokenizer = Tokenizer(Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = UnigramTrainer(
        vocab_size=size,
        special_tokens=[UNKNOWN],
        unk_token=UNKNOWN,
        initial_alphabet=sorted({character for word in counts for character in word}),
        max_piece_length=longest,
        show_progress=False,
    )
    # A word's weight is capped: "how" and "what" of the chat corpora need no more room than a thousand valves.
    tokenizer.train_from_iterator((f"{word} " * min(count, 12) for word, count in sorted(counts.items())), trainer)
    pieces = json.loads(tokenizer.to_str())["model"]["vocab"]
    return [(piece, score) for piece, score in pieces if piece != UNKNOWN]


def _tokenizer(scores: Mapping[str, float]) -> Tokenizer:
    tokenizer = Tokenizer(Unigram(list(scores.items()), unk_id=0))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[^\p{L}\p{N}%°]+"), " "),
            normalizers.Strip(),
            normalizers.Replace(Regex(r"(?<=\p{Han})(?!\p{Han})"), END),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(rf"\p{{Han}}+{END}|[a-z]+|[0-9]+|[^\p{{Han}}{END}a-z0-9]"), "isolated"),
        ]
    )
    return tokenizer


def piece_features(pieces: Sequence[str]) -> tuple[list[list[int]], int]:
    """Return for each piece the features whose vectors add up to its own, and how many features there are.

    A piece has itself, its characters and pairs of characters (Chinese), or its 3- to 5-grams between word marks
    (other scripts), as in fastText (Bojanowski et al., 2017). So a piece that was seldom trained still resembles its
    relatives; after training the sum is stored, and nothing of this is needed to encode.

    >>> piece_features(["钢", "不锈钢"])
    ([[0], [1, 2, 3, 0, 4, 5]], 6)
    """
    number: dict[tuple[str, str], int] = {}
    features = []
    for piece in pieces:
        names = [("piece", piece)]
        if len(piece) > 1 and piece != UNKNOWN:
            names += [("piece" if is_chinese(piece) else "part", part) for part in _grams(piece)]
        features.append([number.setdefault(name, len(number)) for name in names])
    return features, len(number)


def _grams(piece: str) -> list[str]:
    if is_chinese(piece):
        sizes, text = range(1, min(len(piece), 3)), piece
    else:
        sizes, text = range(3, 6), f"<{piece}>"
    return [text[start : start + size] for size in sizes for start in range(len(text) - size + 1)]


def rarity(bags: Iterable[Sequence[int]], count: int) -> list[float]:
    """Return log((n + 1) / (1 + in how many of the n bags a feature is)) for each of ``count`` features.

    >>> [round(value, 2) for value in rarity([[0, 1], [0]], 3)]
    [0.0, 0.41, 1.1]
    """
    seen = [0] * count
    total = 0
    for bag in bags:
        total += 1
        for feature in set(bag):
            seen[feature] += 1
    return [math.log((total + 1) / (1 + times)) for times in seen]
