import gzip
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.crypto import salted_hmac

from matching.ranking import ListingFacts
from matching.ranking.outcomes import Outcome, record_of
from matching.runs import gathered_outcomes

DAYS = 90
# So many bits of a hash tell firms and listings apart, and fit an integer of JSON.
BITS = 48


class Command(BaseCommand):
    help = "Write what was shown and what came of it, to train and measure by; firms and listings go by a hash."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE", help="JSON lines, plain or .gz")
        parser.add_argument(
            "--since", type=date.fromisoformat, help=f"first day (default: {DAYS} days before the last)"
        )
        parser.add_argument("--until", type=date.fromisoformat, help="last day (default: today)")

    def handle(self, *, file, since, until, **_options):
        until = until or timezone.localdate()
        since = since or until - timedelta(days=DAYS)
        if since > until:
            raise CommandError("--since must not be after --until.")
        outcomes = gathered_outcomes(since, until)
        model = {"name": "observed on this platform", "since": since.isoformat(), "until": until.isoformat()}
        opener = gzip.open if file.suffix == ".gz" else open
        try:
            with opener(file, "wt", encoding="utf-8") as lines:
                lines.write(json.dumps({"model": model}) + "\n")
                for outcome in outcomes:
                    lines.write(json.dumps(record_of(_hidden(outcome)), ensure_ascii=False) + "\n")
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from error
        shown = sum(len(outcome.candidates) for outcome in outcomes)
        self.stdout.write(f"{len(outcomes)} lists with {shown} counterparts from {since} to {until}")


def _hidden(outcome: Outcome) -> Outcome:
    return replace(
        outcome, query=_by_hash(outcome.query), candidates=[_by_hash(candidate) for candidate in outcome.candidates]
    )


def _by_hash(facts: ListingFacts) -> ListingFacts:
    """The same firm has the same hash in every export of this platform, and nobody else can tell which it is."""
    return replace(facts, id=_hash("listing", facts.id), organisation=_hash("firm", facts.organisation))


def _hash(kind: str, pk: int) -> int:
    digest = salted_hmac(f"matching.export_outcomes.{kind}", str(pk), algorithm="sha256").hexdigest()
    return int(digest[: BITS // 4], 16)
