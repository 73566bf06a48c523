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

    def handle(self, *, file, **_options):
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            model = services.promote_ranker(document=document, now=timezone.now())
        except (OSError, ValueError, KeyError, TypeError, RuleBroken) as error:
            raise CommandError(f"{file}: {error}") from error
        self.stdout.write(f"Ranker {model.version} serves.")
