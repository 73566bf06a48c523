"""What the commands that measure share: which embedding model, which fusion, and where figures go."""

import json
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError

from matching.retrieval.encoder import SHIPPED, Encoder, EncoderUnusable, load_encoder
from matching.retrieval.fusion import ScoreFusion

FUSION = SHIPPED.parent / "fusion.json"


def add_embedding_argument(parser) -> None:
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="embedding model (default: EMBEDDING_MODEL)")


def add_model_arguments(parser) -> None:
    add_embedding_argument(parser)
    parser.add_argument("--fusion", type=Path, metavar="FILE", default=FUSION, help="default: the shipped one")


def encoder_of(options) -> Encoder:
    try:
        return load_encoder(options["model"] or settings.EMBEDDING_MODEL)
    except (EncoderUnusable, OSError) as error:
        raise CommandError(f"The embedding model cannot be used: {error}") from error


def fusion_of(options) -> ScoreFusion:
    try:
        return ScoreFusion.load(options["fusion"])
    except (OSError, ValueError, TypeError) as error:
        raise CommandError(f"The fusion cannot be used: {error}") from error


def write_figures(path: Path, figures: dict) -> None:
    path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
