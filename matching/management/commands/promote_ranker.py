import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.errors import RuleBroken
from matching import services


class Command(BaseCommand):
    help = "Let a ranker that train_ranker wrote serve from now on, in every process."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--only-keep", action="store_true", help="show it on the page of models with its figures; who serves stays"
        )

    def handle(self, *, file, only_keep, **_options):
        act = services.record_ranker if only_keep else services.promote_ranker
        try:
            model = act(document=json.loads(file.read_text(encoding="utf-8")), now=timezone.now())
        except (OSError, ValueError, KeyError, TypeError, RuleBroken) as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(
            f"Ranker {model.version} is kept: {model.status}." if only_keep else f"Ranker {model.version} serves."
        )
