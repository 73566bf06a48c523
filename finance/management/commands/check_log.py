import json
from dataclasses import asdict
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from finance.services import checkpoints
from finance.services.log_audit import LogDoesNotAddUp, audit_log


class Command(BaseCommand):
    help = "Reckon the evidence log anew from its leaves, and hold it against every hash and checkpoint."

    def add_arguments(self, parser):
        parser.add_argument(
            "--checkpoint", help="a checkpoint that was kept elsewhere; the log must have grown from it"
        )
        parser.add_argument("--export", metavar="FILE", help="sign the log and write all of it, for verify_voucher.py")
        parser.add_argument("--json", metavar="FILE", help="write the figures as JSON")

    def handle(self, *args, **options):
        try:
            old = Path(options["checkpoint"]).read_text(encoding="utf-8") if options["checkpoint"] else ""
            audit = audit_log(old=old)
            self.stdout.write(
                f"{audit.leaves} leaves, {audit.nodes} nodes and {audit.checkpoints} checkpoints are as they were "
                f"written; root {audit.root}"
            )
            if options["json"]:
                Path(options["json"]).write_text(json.dumps(asdict(audit), indent=1) + "\n", encoding="utf-8")
            if options["export"] and audit.leaves:
                signed = checkpoints.sign_log(now=timezone.now())
                with Path(options["export"]).open("w", encoding="utf-8") as file:
                    file.writelines(checkpoints.export_log(signed))
                self.stdout.write(f"{options['export']}: {signed.size} leaves")
        except (LogDoesNotAddUp, OSError) as error:
            raise CommandError(str(error)) from error
