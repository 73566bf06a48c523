import json
from collections import Counter
from dataclasses import asdict
from datetime import date
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from finance.scoring.default import default_scorecard
from finance.scoring.features import features_of
from finance.scoring.invoices import SHOWN, InvoicesUnreadable, read_folder
from finance.scoring.scorecard import Scorecard, ScorecardUnreadable
from finance.scoring.scored import score_all


class Command(BaseCommand):
    help = "Score every firm of a folder of invoices, with reasons in Chinese and English."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument(
            "folder", type=Path, metavar="DIR", help="enterprises.csv, purchases.csv and sales.csv, plain or .gz"
        )
        parser.add_argument(
            "--scorecard", type=Path, metavar="FILE", help="a scorecard's JSON; without it, the one shipped"
        )
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the list of scores here")
        parser.add_argument(
            "--until", type=date.fromisoformat, metavar="DATE", help="score as of this day: later invoices do not count"
        )
        parser.add_argument(
            "--unlabelled", action="store_true", help="read unlabelled_purchases.csv and unlabelled_sales.csv"
        )
        parser.add_argument(
            "--problems", type=Path, metavar="OUT", help="write the rows that were left out here, with reasons"
        )

    def handle(self, *, folder, scorecard, until, unlabelled, problems, **options):
        for out in (options["json"], problems):
            if out and not out.parent.is_dir():
                raise CommandError(f"There is no folder {out.parent}.")
        try:
            card = Scorecard.read(scorecard) if scorecard else default_scorecard()
            read = read_folder(folder, prefix="unlabelled_" if unlabelled else "", until=until)
        except (InvoicesUnreadable, ScorecardUnreadable) as error:
            raise CommandError(str(error)) from error
        table = features_of(read.trades, as_of=until)
        scores = score_all(card, table)
        if options["json"]:
            text = json.dumps([one.to_dict() for one in scores], ensure_ascii=False, indent=1)
            options["json"].write_text(text + "\n", encoding="utf-8")
        if problems:
            text = json.dumps([asdict(row) for row in read.bad_rows], ensure_ascii=False, indent=1)
            problems.write_text(text + "\n", encoding="utf-8")
        for row in read.bad_rows[:SHOWN]:
            self.stderr.write(f"{row.file}, line {row.line}, {row.column or 'row'}: {row.en}; left out.")
        if len(read.bad_rows) > SHOWN:
            self.stderr.write(f"… and {len(read.bad_rows) - SHOWN} more rows left out.")
        self.stdout.write(
            f"{read.rows} rows, {read.repeated} repeated, {len(read.bad_rows)} left out; as of {table.as_of}."
        )
        for one in sorted(scores, key=lambda one: (-one.score, one.firm)):
            top = "; ".join(f"{reason.en[:-1]} ({reason.points:+d})" for reason in one.top[:2])
            self.stdout.write(f"{one.firm:<12} {one.score:>4}  {one.grade:<4} {one.pd:>7.2%}  {top}")
        grades = Counter(one.grade for one in scores)
        self.stdout.write("  ".join(f"{grade} {grades[grade]}" for grade, _ in card.grades if grades[grade]))
