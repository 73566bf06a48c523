import os
import time

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.errors import RuleBroken
from seeds import services


class Command(BaseCommand):
    help = "Fill an empty database with demo data; firms and users that do not exist, plainly marked as demo."

    def add_arguments(self, parser):
        parser.add_argument("--listings", type=int, default=3200, help="how many listings (up to 1,000,000)")
        parser.add_argument("--organisations", type=int, default=320, help="how many organisations")
        parser.add_argument("--random-state", type=int, default=0, help="another number plants another market")
        parser.add_argument("--if-empty", action="store_true", help="do nothing where there is data already")

    def handle(self, *, listings, organisations, random_state, if_empty, **_options):
        if if_empty and not services.is_empty():
            return
        started = time.monotonic()
        try:
            planted = services.seed(
                listings=listings,
                organisations=organisations,
                random_state=random_state,
                password=os.environ.get("DEMO_PASSWORD") or "demo-2026",
                now=timezone.now(),
                report=lambda line: self.stdout.write(f"seed: {line}"),
            )
        except RuleBroken as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"seed: {planted.organisations} organisations and {planted.listings} listings "
            f"in {time.monotonic() - started:.1f} s"
        )
