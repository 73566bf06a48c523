import json
from pathlib import Path

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import get_language

from config.errors import RuleBroken
from marketplace.models import ListingImport, Membership, Organisation, User
from marketplace.services import imports

SHOWN = 50


class Command(BaseCommand):
    help = "Import listings from a CSV or XLSX file and print what was refused, by row and column."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--organisation", required=True, metavar="USCC")
        parser.add_argument("--all-or-none", action="store_true", help="write nothing if a row is refused")
        parser.add_argument("--by", metavar="USERNAME", help="who imports; by default the organisation's first owner")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the report to this file as well")

    def handle(self, *, file, organisation, all_or_none, by, **options):
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        firm = Organisation.objects.filter(uscc=organisation.replace(" ", "").upper()).first()
        if firm is None:
            raise CommandError(f"No organisation has the code {organisation}.")
        mode = ListingImport.Mode.ALL_OR_NONE if all_or_none else ListingImport.Mode.GOOD_ROWS
        with file.open("rb") as content:
            try:
                run = imports.import_at_once(
                    file=File(content, name=file.name),
                    organisation=firm,
                    mode=mode,
                    by=self._member(firm, by),
                    now=timezone.now(),
                )
            except RuleBroken as refusal:
                raise CommandError(str(refusal)) from refusal
        self._report(run, options["json"])
        if run.errors and (all_or_none or run.errors[0]["row"] == 0):
            raise CommandError("Nothing was imported.", returncode=2)

    def _member(self, organisation: Organisation, username: str | None) -> User:
        if username:
            user = User.objects.filter(username=username).first()
            if user is None:
                raise CommandError(f"There is no user “{username}”.")
            return user
        owner = (
            organisation.memberships.filter(role=Membership.Role.OWNER).order_by("pk").select_related("user").first()
        )
        if owner is None:
            raise CommandError("The organisation has no owner: say who imports with --by USERNAME.")
        return owner.user

    def _report(self, run: ListingImport, out: Path | None) -> None:
        counts = {name: getattr(run, name) for name in ("created", "updated", "unchanged", "refused")}
        self.stdout.write("  ".join(f"{name} {count}" for name, count in counts.items()))
        language = "en" if get_language() == "en" else "zh"
        for error in run.errors[:SHOWN]:
            self.stdout.write(f"row {error['row']}, {error['column'] or '—'}: {error[language]}")
        if len(run.errors) > SHOWN:
            self.stdout.write(f"… and {len(run.errors) - SHOWN} more")
        if out:
            report = {"id": run.pk, "status": run.status, **counts, "errors": run.errors}
            out.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")
