import json
import time
from pathlib import Path

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import get_language

from config.errors import RuleBroken
from finance.models import RecordImport, RecordKind
from finance.services import record_imports
from marketplace.models import Membership, Organisation, User

SHOWN = 50


class Command(BaseCommand):
    help = "Import a firm's invoices, payments, deliveries or production from CSV (also .gz), XLSX or XML."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)
        parser.add_argument("--organisation", required=True, metavar="USCC")
        parser.add_argument("--kind", required=True, choices=RecordKind.values)
        parser.add_argument(
            "--firm", default="", metavar="CODE", help="of a file of several firms: take this one's rows"
        )
        parser.add_argument("--by", metavar="USERNAME", help="who imports; by default the organisation's first owner")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the report to this file as well")

    def handle(self, *, file, organisation, kind, firm, by, **options):
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        owner = Organisation.objects.filter(uscc=organisation.replace(" ", "").upper()).first()
        if owner is None:
            raise CommandError(f"No organisation has the code {organisation}.")
        begun = time.monotonic()
        with file.open("rb") as content:
            try:
                run = record_imports.import_at_once(
                    file=File(content, name=file.name),
                    organisation=owner,
                    kind=kind,
                    firm_code=firm,
                    by=self._member(owner, by),
                    now=timezone.now(),
                )
            except RuleBroken as refusal:
                raise CommandError(str(refusal)) from refusal
        self._report(run, time.monotonic() - begun, options["json"])
        if run.problems and run.problems[0]["line"] == 0:
            raise CommandError("Nothing was imported.", returncode=2)

    def _member(self, organisation: Organisation, username: str | None) -> User:
        if username:
            user = User.objects.filter(username=username).first()
            if user is None:
                raise CommandError(f"There is no user “{username}”.")
            return user
        owners = organisation.memberships.filter(role=Membership.Role.OWNER).order_by("pk").select_related("user")
        owner = owners.first()
        if owner is None:
            raise CommandError("The organisation has no owner: say who imports with --by USERNAME.")
        return owner.user

    def _report(self, run: RecordImport, seconds: float, out: Path | None) -> None:
        counts = {name: getattr(run, name) for name in ("rows", "added", "known", "refused")}
        self.stdout.write("  ".join(f"{name} {count}" for name, count in counts.items()) + f"  in {seconds:.1f} s")
        language = "en" if get_language() == "en" else "zh"
        for problem in run.problems[:SHOWN]:
            where = (
                f"line {problem['line']}, {problem['field'] or '—'}" if problem["line"] else file_as_a_whole(problem)
            )
            self.stdout.write(f"{where}: {problem[language]}")
        if run.refused > SHOWN:
            self.stdout.write(f"… and {run.refused - SHOWN} more")
        if out:
            report = {"id": run.pk, "status": run.status, **counts, "root": run.root, "problems": run.problems}
            out.write_text(json.dumps(report, ensure_ascii=False, indent=1), encoding="utf-8")


def file_as_a_whole(problem: dict) -> str:
    return f"the file, {problem['field']}" if problem["field"] else "the file"
