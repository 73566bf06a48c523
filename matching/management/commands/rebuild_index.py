import time

from django.core.management.base import BaseCommand
from django.db import connection
from django.utils import timezone

from matching import services
from matching.live_index import live_index, snapshot, text_version
from matching.models.index_entry import listings_to_index


class Command(BaseCommand):
    help = "Write every missing entry of the matching index, and save the index under DATA_DIR."

    def add_arguments(self, parser):
        parser.add_argument("--if-needed", action="store_true", help="do nothing where nothing is missing")

    def handle(self, *_args, if_needed, **_options):
        began = time.monotonic()
        total = listings_to_index(text_version()).count()
        if if_needed and not total and snapshot.is_there(live_index().folder):
            self.stdout.write("The index is up to date.")
            return
        done = 0
        while written := services.index_waiting(now=timezone.now()):
            done += written
            self.stdout.write(f"Indexed {done:,} of {max(total, done):,} listings.")
        with connection.cursor() as cursor:
            # A fresh load has no statistics, and without them the first pages would be planned badly.
            cursor.execute("ANALYZE")
        held = services.save_index(now=timezone.now())
        self.stdout.write(f"The index holds {held:,} listings; {time.monotonic() - began:.1f} s.")
