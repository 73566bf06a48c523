from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from matching.management.measuring import FUSION, add_embedding_argument, encoder_of
from matching.retrieval.model_card import learn_fusion
from matching.retrieval.sources import SEED, SourceMissing, SourceUnreadable


class Command(BaseCommand):
    help = "Learn anew how the two legs' scores are weighed, on the dev part: after a change of model or normal forms."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="holds goods_zh_en, query_title, …")
        parser.add_argument("--out", type=Path, default=FUSION, metavar="FILE", help="default: the shipped one")
        parser.add_argument("--seed", type=int, default=SEED, help="of the split into train, dev and test")
        add_embedding_argument(parser)

    def handle(self, *, folder, out, seed, **options):
        try:
            learnt = learn_fusion(folder, encoder_of(options), seed=seed)
        except (SourceMissing, SourceUnreadable) as error:
            raise CommandError(str(error)) from error
        learnt.save(out)
        quality = f"mean quality {learnt.quality_:.3f} on dev"
        self.stdout.write(f"{out}: weight {learnt.weight}, power {learnt.power}, {quality}")
