"""Reckon finished scores again from what they stand on, and say which no longer come out."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from finance.models import CreditAssessment
from finance.runs.scorecards import ScorecardTampered
from finance.services import assessments


class Command(BaseCommand):
    help = "Reckon finished scores again, bit for bit; ends with an error if one does not come out."

    def add_arguments(self, parser):
        parser.add_argument("--organisation", help="only of the firm with this USCC")
        parser.add_argument("--last", type=int, default=1000, help="so many of the newest (default 1000)")
        parser.add_argument("--json", type=Path, help="write what was found to this file")

    def handle(self, *args, organisation, last, **options):
        found = CreditAssessment.objects.done().with_names().newest()
        if organisation:
            found = found.filter(organisation__uscc=organisation.upper())
        rows = [_checked(one) for one in found[:last]]
        counts = {
            "checked": len(rows),
            "reproduced": sum(row["is_reproduced"] for row in rows),
            "same_records": sum(row["has_same_records"] is True for row in rows),
            "records_gone": sum(row["has_same_records"] is None for row in rows),
        }
        wrong = [row for row in rows if not row["is_reproduced"] or row["has_same_records"] is False]
        if options["json"]:
            said = json.dumps({**counts, "wrong": wrong}, ensure_ascii=False, indent=1)
            options["json"].write_text(said + "\n", encoding="utf-8")
        for name, count in counts.items():
            self.stdout.write(f"{name:>14} {count}")
        for row in wrong:
            self.stdout.write(f"{row['assessment']:>14} {row['why']}")
        if wrong:
            raise CommandError(f"{len(wrong)} of {len(rows)} do not come out again.")


def _checked(assessment: CreditAssessment) -> dict:
    try:
        again = assessments.recheck(assessment=assessment)
    except ScorecardTampered as error:
        return {
            "assessment": assessment.pk,
            "is_reproduced": False,
            "has_same_records": None,
            "why": str(error),
        }
    why = "differs in " + ", ".join(again.differences) if again.differences else ""
    if again.has_same_records is False:
        why = "; ".join(filter(None, [why, "its records give other figures today"]))
    return {
        "assessment": assessment.pk,
        "is_reproduced": again.is_reproduced,
        "has_same_records": again.has_same_records,
        "why": why,
    }
