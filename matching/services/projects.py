"""Building projects, brought as a file by the platform operator for everybody or by a firm for itself alone."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Membership, Organisation, User
from marketplace.services.organisations import require_role
from matching import tasks
from matching.leads.project_rows import COLUMNS, ProjectRow, RowProblem, read_projects_table
from matching.models import BuildingProject, ProjectImport

CHUNK = 1000
# So many problems are told; who has more has another table in mind.
PROBLEMS_TOLD = 200
EXAMPLE = {
    "external_id": "2026-0042",
    "name": "台州湾阀门智能工厂一期",
    "owner_name": "示例阀门有限公司",
    "region": "浙江台州",
    "industry": "3443",
    "kind": "新建",
    "stage": "招标",
    "investment": "12000",
    "starts_on": "2026-03-01",
    "finishes_on": "2027-06-30",
    "equipment": "离心泵 20 台、不锈钢球阀 DN50 500 只、污水处理设备",
}


class OnlyTheOperatorMay(RuleBroken):
    """Projects that everybody sees are the platform operator's to bring."""


def import_projects(
    *, file: BinaryIO, name: str, now: datetime, by: User | None = None, organisation: Organisation | None = None
) -> ProjectImport:
    """Keep the projects of a CSV or XLSX file whose rows are good; the same file again changes nothing.

    Without ``organisation`` everybody sees them, and ``by`` must be the platform operator; else they are the firm's own.
    Where whoever runs the machine brings them by a command, ``by`` is None.

    :raises OnlyTheOperatorMay: if somebody else brings projects for everybody
    :raises InputRefused: if the file as a whole cannot be read
    """
    if organisation is not None and by is not None:
        require_role(by, organisation, *Membership.TRADING_ROLES)
    elif organisation is None and by is not None and not by.is_staff:
        raise OnlyTheOperatorMay(_("Only the platform operator brings projects that everybody sees."))
    rows, problems = read_projects_table(file, name)
    if problems and problems[0].row == 0:
        raise InputRefused({"file": [in_my_language(problem) for problem in problems[:1]]})
    with transaction.atomic():
        created, updated, unchanged = keep_projects(rows, now=now, by=by, organisation=organisation)
        return ProjectImport.objects.create(
            brought_by=organisation,
            file_name=name[:200],
            created=created,
            updated=updated,
            unchanged=unchanged,
            refused=len({problem.row for problem in problems}),
            problems=[asdict(problem) for problem in problems[:PROBLEMS_TOLD]],
            by=by,
            at=now,
        )


@transaction.atomic
def keep_projects(
    rows: Sequence[ProjectRow], *, now: datetime, by: User | None, organisation: Organisation | None, **more: Any
) -> tuple[int, int, int]:
    """Write these rows by their external ids; return how many are new, changed, and as they were."""
    owners = _owners(rows)
    created = updated = unchanged = 0
    for start in range(0, len(rows), CHUNK):
        page = {row.fields["external_id"]: _said(row, owners) for row in rows[start : start + CHUNK]}
        # Two imports of one file at once: the second waits for the rows of the first, and changes nothing.
        known = {
            row.external_id: row
            for row in BuildingProject.objects.select_for_update()
            .filter(brought_by=organisation, external_id__in=page)
            .order_by("pk")
        }
        new = [
            BuildingProject(
                external_id=external_id,
                brought_by=organisation,
                imported_by=by,
                created_at=now,
                updated_at=now,
                **said,
                **more,
            )
            for external_id, said in page.items()
            if external_id not in known
        ]
        changed = [known[key] for key, said in page.items() if key in known and _change(known[key], said, now)]
        BuildingProject.objects.bulk_create(new, ignore_conflicts=True)
        ids = [project.external_id for project in new]
        kept = BuildingProject.objects.filter(brought_by=organisation, external_id__in=ids, created_at=now)
        created += kept.count() if new else 0
        BuildingProject.objects.bulk_update(
            changed, [*BuildingProject.SAID_FIELDS, "text_version", "updated_at"], batch_size=CHUNK
        )
        updated += len(changed)
        unchanged += len(page) - len(new) - len(changed)
    if created or updated:
        tasks.read_leads.delay_on_commit()
    return created, updated, unchanged


def _owners(rows: Sequence[ProjectRow]) -> dict[str, Organisation]:
    codes = {row.fields.get("owner_uscc") for row in rows} - {"", None}
    return {owner.uscc: owner for owner in Organisation.objects.approved().filter(uscc__in=codes)}


def _said(row: ProjectRow, owners: dict[str, Organisation]) -> dict[str, Any]:
    said = {name: value for name, value in row.fields.items() if name in BuildingProject.SAID_FIELDS}
    return said | {"owner": owners.get(row.fields.get("owner_uscc", ""))}


def _change(project: BuildingProject, said: dict[str, Any], now: datetime) -> bool:
    """Take over what is said otherwise; return whether anything was."""
    if all(getattr(project, name) == value for name, value in said.items()):
        return False
    for name, value in said.items():
        setattr(project, name, value)
    # To be read again; news of it went out when it was new.
    project.text_version, project.updated_at = "", now
    return True


def in_my_language(problem: RowProblem) -> str:
    return problem.en if get_language() == "en" else problem.zh


def template_csv() -> bytes:
    """Return a file with the headings in the reader's language and one example row."""
    place = 1 if get_language() == "en" else 0
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([aliases[place] for aliases in COLUMNS.values()])
    writer.writerow([EXAMPLE.get(name, "") for name in COLUMNS])
    return out.getvalue().encode("utf-8-sig")
