from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from matching.retrieval.preparation import prepare
from matching.retrieval.sources import SEED, SourceMissing, SourceUnreadable


class Command(BaseCommand):
    help = "Write seeded splits of the data folder as benchmarks: BEIR layout for retrieval, tab-separated for pairs."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="holds goods_zh_en, query_title, …")
        parser.add_argument("out", type=Path, metavar="OUT")
        parser.add_argument("--seed", type=int, default=SEED, help="another seed, another split than the model's own")

    def handle(self, *, folder, out, seed, **options):
        try:
            for name, size in prepare(folder, out, seed=seed):
                self.stdout.write(f"{out / name}: {size}")
        except (SourceMissing, SourceUnreadable) as error:
            raise CommandError(str(error)) from error
