import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from finance.services.ledger import check_ledger


class Command(BaseCommand):
    help = "Say whether the memorandum ledger, the lines and the loans tell the same."

    def add_arguments(self, parser):
        parser.add_argument("--json", type=Path, help="write the differences into this file")

    def handle(self, *args, **options):
        found = check_ledger()
        for one in found:
            self.stdout.write(str(one))
        if options["json"]:
            rows = [
                {"what": one.what, "account": one.account, "posted": str(one.posted), "held": str(one.held)}
                for one in found
            ]
            options["json"].write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
        if found:
            raise CommandError(f"{len(found)} differences.")
        self.stdout.write("The ledger, the lines and the loans tell the same.")
