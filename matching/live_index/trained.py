"""The trained models this process uses, each loaded once."""

import hashlib
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings

import marketplace.parsing
from marketplace.parsing.glossary import FOLDER
from marketplace.parsing.terms import glossary_files
from matching.models import RankerModel
from matching.ranking import Ranker
from matching.ranking.chances import Chances
from matching.ranking.reliability import Reliability
from matching.ranking.text import shipped_ranker
from matching.retrieval.encoder import Encoder, load_encoder
from matching.retrieval.fusion import ScoreFusion

SHIPPED = Path(__file__).parent.parent / "data"
# The modules of marketplace.parsing that a normal form depends on.
NORMAL_FORM = (
    "bounds", "codes", "designations", "folding", "glossary", "materials", "measures", "normal_form", "phrases", "standards", "terms",
)  # fmt: skip


def encoder() -> Encoder:
    """Return the embedding model that EMBEDDING_MODEL names."""
    return _encoder(settings.EMBEDDING_MODEL)


@cache
def _encoder(folder: str) -> Encoder:
    return load_encoder(Path(folder))


def text_version() -> str:
    """Return what names the way from a listing's words to its vector and its normal form: another one, other entries."""
    return f"{encoder().version}-{_normal_form_version()}"


@cache
def _normal_form_version() -> str:
    digest = hashlib.sha256()
    parsing = Path(marketplace.parsing.__file__).parent
    for path in [
        *(parsing / f"{name}.py" for name in NORMAL_FORM),
        *sorted(FOLDER.glob("*.t[sx][vt]")),
        *glossary_files(),
    ]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


@cache
def fusion() -> ScoreFusion:
    """Return the shipped score fusion."""
    return ScoreFusion.load(SHIPPED / "fusion.json")


def chances() -> Chances:
    """Return the chances that both sides take a match up and that it is fulfilled: the platform's own, or the shipped.

    What ``train_chances`` learned from the platform's own outcomes serves from the next question on, once it lies in the
    data folder as chances.json.
    """
    own = Path(settings.DATA_DIR) / "chances.json"
    return _chances(own, own.stat().st_mtime_ns) if own.exists() else _chances(SHIPPED / "chances.json", 0)


@lru_cache(maxsize=2)
def _chances(path: Path, _written: int) -> Chances:
    return Chances.load(path)


@cache
def reliability() -> Reliability:
    """Return the shipped forecast of what suppliers deliver."""
    return Reliability.load(SHIPPED / "reliability.json")


def ranker() -> Ranker:
    """Return the promoted ranker, or the shipped one; a promotion takes effect at the next question.

    A ranker is proven on the text scores it was learned on: under another embedding or fusion the shipped one serves,
    which was learned on theirs.
    """
    proven = RankerModel.objects.in_use().of_texts(embedding=encoder().version, fusion=fusion().version)
    promoted = proven.values_list("version", flat=True).first()
    return _promoted(promoted) if promoted else shipped_ranker()


def ranker_of(version: str) -> Ranker:
    """Return the ranker of this version, whether it serves or not.

    :raises RankerModel.DoesNotExist: if there is none
    """
    return _promoted(version)


@lru_cache(maxsize=4)
def _promoted(version: str) -> Ranker:
    return Ranker.from_dict(RankerModel.objects.get(version=version).document)
