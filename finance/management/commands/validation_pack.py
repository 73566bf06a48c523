from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from finance.management.validation_sections import Sources, code, files_of, rebuild
from finance.scoring.default import default_scorecard
from finance.scoring.invoices import InvoicesUnreadable, read_folder
from finance.scoring.pack import compare
from finance.scoring.scorecard import Scorecard, ScorecardUnreadable
from finance.services.validation import PackUnreadable, read_pack, seal_pack, write_pack


class Command(BaseCommand):
    help = (
        "Rebuild every figure of the scoring models from hashed data, write them as a signed pack with a report in both "
        "languages, and with --check say line by line whether they match a pack that was signed before."
    )
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="enterprises.csv, purchases.csv and sales.csv")
        parser.add_argument("--out", type=Path, metavar="FOLDER", help="write pack.json and the reports here")
        parser.add_argument("--check", type=Path, metavar="PACK", help="compare with this pack; nothing needs --out")
        parser.add_argument("--key", metavar="HEX", help="the public key that the checked pack must be signed with")
        parser.add_argument(
            "--receivables", type=Path, metavar="FILE", help="settled invoices for the late-payment model"
        )
        parser.add_argument("--scorecard", type=Path, metavar="FILE", help="default: the shipped one")
        parser.add_argument("--seeds", type=int, default=10, help="repetitions of the cross-validation")
        parser.add_argument("--quick", action="store_true", help="without rivals, signs, reasons and cuts")
        parser.add_argument("--all-lines", action="store_true", help="print the figures that match, too")

    def handle(self, *, folder, out, check, key, receivables, scorecard, seeds, quick, all_lines, **_options):
        if not out and not check:
            raise CommandError("Say where the pack goes (--out), or which one is checked (--check).")
        if seeds < 1:
            raise CommandError("--seeds: at least 1.")
        if receivables and not receivables.is_file():
            raise CommandError(f"--receivables: there is no file {receivables}.")
        try:
            # A pack that was changed is found before anything is rebuilt.
            signed = read_pack(check, key=key) if check else None
            card = Scorecard.read(scorecard) if scorecard else default_scorecard()
            read = read_folder(folder)
        except (PackUnreadable, InvoicesUnreadable, ScorecardUnreadable, OSError) as error:
            raise CommandError(str(error)) from error
        sources = Sources(folder, read, card, receivables, seeds, quick)
        sections = rebuild(sources, self.stdout.write)
        document = seal_pack(sections=sections, files=files_of(sources), code=code(), made_at=timezone.now())
        if out:
            for path in write_pack(document, out):
                self.stdout.write(f"written: {path}")
        if signed:
            self.compare(signed["pack"], document["pack"], all_lines=all_lines)

    def compare(self, signed, rebuilt, *, all_lines):
        """Print what matches and what does not; a figure that does not match fails the command."""
        rows = compare(signed, rebuilt)
        # Another commit may well give the same figures: then only this is told, and only figures and data fail.
        told = [row for row in rows if row.path.startswith("code.") and not row.matches]
        failed = [row for row in rows if not row.path.startswith("code.") and not row.matches]
        if all_lines:
            for row in rows:
                if row.matches:
                    self.stdout.write(f"matches  {row.path}: {row.signed}")
        for row in told:
            self.stdout.write(f"other    {row.path}: signed {row.signed}, now {row.rebuilt}")
        for row in failed:
            self.stdout.write(f"DIFFERS  {row.path}: signed {row.signed}, rebuilt {row.rebuilt}")
        matching = sum(row.matches for row in rows)
        self.stdout.write(f"{matching} of {len(rows)} lines match the pack signed at {signed['made_at']}.")
        if failed:
            raise CommandError(f"{len(failed)} figures do not match the signed pack.")
