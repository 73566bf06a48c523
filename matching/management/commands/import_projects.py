from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.errors import InputRefused
from marketplace.models import Organisation
from matching.services import projects


class Command(BaseCommand):
    help = (
        "Import building projects from CSV or XLSX, for everybody or for one firm; run again, it changes what changed."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--for", dest="uscc", metavar="USCC", help="for this organisation alone (default: everybody)"
        )

    def handle(self, *, file, uscc, **_options):
        organisation = None
        if uscc and (organisation := Organisation.objects.approved().filter(uscc=uscc.upper()).first()) is None:
            raise CommandError(f"No approved organisation has the code {uscc}.")
        try:
            with file.open("rb") as content:
                done = projects.import_projects(
                    file=content, name=file.name, organisation=organisation, now=timezone.now()
                )
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from error
        except InputRefused as refused:
            raise CommandError(" ".join(message for found in refused.errors.values() for message in found)) from refused
        for problem in done.problems:
            self.stdout.write(f"row {problem['row']}, {problem['column'] or '–'}: {problem['en']}")
        self.stdout.write(
            f"{done.created} new, {done.updated} changed, {done.unchanged} unchanged, {done.refused} refused"
        )
