import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from matching.leads.economy import EconomyUnreadable, fit, read_queries
from matching.leads.features import FIRM_FEATURES
from matching.leads.training import to_document
from matching.management.measuring import encoder_of


class Command(BaseCommand):
    help = (
        "Fit the scoring of firms as leads on an economy over time (see simulate_economy); its last 90 days are told."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="firms.csv, supplies.csv and needs.csv")
        parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="write the model here")
        parser.add_argument("--queries", type=int, default=400, help="how many supplies to learn from")
        parser.add_argument("--model", type=Path, metavar="FOLDER", help="embedding model (default: EMBEDDING_MODEL)")

    def handle(self, *, folder, out, queries, **options):
        encoder = encoder_of(options)
        try:
            found = list(read_queries(folder, encoder, queries=queries))
            if not found:
                raise CommandError(f"{folder} has no supply that twenty firms need later.")
            learnt = fit(iter(found), FIRM_FEATURES)
        except EconomyUnreadable as error:
            raise CommandError(str(error)) from error
        about = {"queries": len(found), "firms": len(found[0].is_hit), "embedding": encoder.version}
        document = to_document(learnt, learnt_from=about)
        try:
            out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}.") from error
        for name, row in document["firms"]["weights"].items():
            self.stdout.write(f"{name:12}{row['weight']:9.3f}   usual {row['usual']:8.3f}")
        self.stdout.write(f"{document['version']}, learnt from {len(found)} supplies")
