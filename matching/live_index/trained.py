"""The trained models this process uses, each loaded once."""

from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings

from matching.models import RankerModel
from matching.ranking import Ranker
from matching.retrieval.encoder import StaticEncoder, TransformerEncoder, load_encoder
from matching.retrieval.fusion import ScoreFusion

SHIPPED = Path(__file__).parent.parent / "data"


def encoder() -> StaticEncoder | TransformerEncoder:
    """Return the embedding model that EMBEDDING_MODEL names."""
    return _encoder(settings.EMBEDDING_MODEL)


@cache
def _encoder(folder: str) -> StaticEncoder | TransformerEncoder:
    return load_encoder(Path(folder))


@cache
def fusion() -> ScoreFusion:
    """Return the shipped score fusion."""
    return ScoreFusion.load(SHIPPED / "fusion.json")


def ranker() -> Ranker:
    """Return the ranker promoted last, or the shipped one; a promotion takes effect at the next question."""
    promoted = RankerModel.objects.in_use().values_list("version", flat=True).first()
    return _promoted(promoted) if promoted else _shipped()


@lru_cache(maxsize=2)
def _promoted(version: str) -> Ranker:
    return Ranker.from_dict(RankerModel.objects.get(version=version).document)


@cache
def _shipped() -> Ranker:
    return Ranker.load(SHIPPED / "ranker.json")
