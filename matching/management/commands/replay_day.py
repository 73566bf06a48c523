from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.errors import InputRefused, RuleBroken
from matching import runs, services
from matching.management.measuring import write_figures
from matching.models import Replay


class Command(BaseCommand):
    help = (
        'Put a past day\'s lists in order by two rankers: a version, "shipped", or "fusion" for the text score alone.'
    )

    def add_arguments(self, parser):
        parser.add_argument("day", type=date.fromisoformat, metavar="DATE")
        parser.add_argument("--model", default=Replay.SHIPPED)
        parser.add_argument("--against", default=Replay.FUSION)
        parser.add_argument("--demands", type=int, default=50, help="how many lists (default: %(default)s)")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write figures and lists here")

    def handle(self, *, day, model, against, demands, json: Path | None, **_options):
        asked = {"day": day, "model": model, "against": against, "demands": demands}
        try:
            replay = services.record_replay(**asked, by=None, now=timezone.now())
        except InputRefused as error:
            raise CommandError(
                " ".join(f"{field}: {' '.join(said)}" for field, said in error.errors.items())
            ) from error
        except RuleBroken as error:
            raise CommandError(str(error)) from error
        run = Replay.objects.claim(replay.pk, now=timezone.now())
        if run is None:
            raise CommandError("A worker has taken this replay: see its page.")
        done = runs.replay_day(run, clock=timezone.now)
        self._print(done.summary)
        if json:
            told = {name: str(value) if name == "day" else value for name, value in asked.items()}
            write_figures(json, {**told, **done.summary, "compared": done.lists})

    def _print(self, told):
        self.stdout.write(f"{told['lists']} lists, {told['judged']} of which led to something")
        if told["lists"]:
            self.stdout.write(f"in common among the first ten  {told['overlap']:.3f}")
            self.stdout.write(f"places moved, mean             {told['moved']:.2f}")
            self.stdout.write(f"lists with another first       {told['other_first']}")
        if told["judged"]:
            span = f"{told['difference']:+.4f} [{told['low']:+.4f}, {told['high']:+.4f}]"
            self.stdout.write(f"nDCG@10  model {told['model']:.3f}, against {told['against']:.3f}, difference {span}")
