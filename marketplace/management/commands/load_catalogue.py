from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.errors import RuleBroken
from marketplace.services import categories


class Command(BaseCommand):
    help = "Write the shipped categories, or those of another folder; what the platform operator edited stays."

    def add_arguments(self, parser):
        parser.add_argument("folder", nargs="?", type=Path, default=categories.SHIPPED)

    def handle(self, *, folder, **_options):
        if not folder.is_dir():
            raise CommandError(f"There is no folder {folder}.")
        try:
            written = categories.load_catalogue(folder=folder, now=timezone.now())
        except RuleBroken as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{written} categories")
