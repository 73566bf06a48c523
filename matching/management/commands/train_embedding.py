import time
from pathlib import Path

import torch
from django.core.management.base import BaseCommand, CommandError

import marketplace
from matching.retrieval.encoder import SHIPPED, load_encoder
from matching.retrieval.ensemble import merge
from matching.retrieval.lexicon import LexiconUnreadable
from matching.retrieval.model_card import held_out_figures, learn_fusion, model_card
from matching.retrieval.sources import SEED, SourceMissing, SourceUnreadable
from matching.retrieval.static_training import StaticTrainer
from matching.retrieval.training_material import gather

GLOSSARY = Path(marketplace.__file__).parent / "data" / "categories"
LEXICON = SHIPPED.parent / "lexicon"


class Command(BaseCommand):
    help = "Train the bilingual embedding from the data folder, the glossary of categories and the lexicon."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="holds goods_zh_en, query_title, …")
        parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the model's folder")
        parser.add_argument("--glossary", type=Path, default=GLOSSARY, help="default: the shipped categories")
        parser.add_argument("--lexicon", type=Path, default=LEXICON, help="default: the shipped words of trade")
        parser.add_argument("--fusion", type=Path, metavar="FILE", help="learn the fusion of this model, too")
        parser.add_argument("--seed", type=int, default=SEED, help="of the split into train, dev and test")
        parser.add_argument("--dim", type=int, default=384)
        parser.add_argument("--passes", type=int, default=5)
        parser.add_argument("--members", type=int, default=2, help="how many are trained and merged into one")
        parser.add_argument("--threads", type=int, default=1, help="more only help on an idle machine")

    def handle(
        self, *, folder, out, glossary, lexicon, fusion: Path | None, seed, dim, passes, members, threads, **_options
    ):
        started = time.monotonic()
        torch.set_num_threads(threads)
        try:
            material = gather(folder, glossary, lexicon, seed=seed)
        except (SourceMissing, SourceUnreadable, LexiconUnreadable) as error:
            raise CommandError(str(error)) from error
        self._say(
            started, f"{len(material.texts())} texts, {sum(map(len, material.same.values()))} pairs of one meaning"
        )
        trainers = [StaticTrainer(dim=dim, passes=passes, random_state=number) for number in range(members)]
        for trainer in trainers:
            trainer.fit(material, report=lambda line: self._say(started, line))
        merge([trainer.encoder() for trainer in trainers], material.domain_texts(), dim=dim).save(out)
        encoder = load_encoder(out)
        figures = held_out_figures(folder, encoder, seed=seed)
        card = model_card(material, trainers, figures, seed=seed)
        (out / "README.md").write_text(card, encoding="utf-8")
        self._say(started, f"written to {out}, version {encoder.version}")
        for line in figures:
            self.stdout.write("  " + " ".join(line))
        if fusion:
            learnt = learn_fusion(folder, encoder, seed=seed)
            learnt.save(fusion)
            quality = f"mean quality {learnt.quality_:.3f} on dev"
            self._say(started, f"fusion: weight {learnt.weight}, power {learnt.power}, {quality}")

    def _say(self, started, line):
        self.stdout.write(f"[{time.monotonic() - started:5.0f} s] {line}")
        self.stdout.flush()
