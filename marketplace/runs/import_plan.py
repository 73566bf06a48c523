"""What an import file would change, worked out before anything is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from marketplace.models import Category, Listing, ListingImport, Organisation
from marketplace.parsing.draft_fields import ProblemError, several, text
from marketplace.parsing.drafts import Draft, by_language, read_draft
from marketplace.parsing.import_columns import read_header, read_row
from marketplace.parsing.tables import Row, read_table
from marketplace.runs.listings import CHUNK, fill, fingerprint, new_row, said_by

# A column without a language may stand for either.
STANDS_FOR = {"text": ("text_zh", "text_en"), "title": ("title_zh", "title_en")}


@dataclass
class Plan:
    """The listings to write and what is refused; ``rows`` knows the number of the row with each external id."""

    created: list[tuple[Listing, Draft]] = field(default_factory=list)
    updated: list[tuple[Listing, Draft]] = field(default_factory=list)
    audiences: list[tuple[Listing, list[Organisation]]] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    unchanged: int = 0
    refused: set[int] = field(default_factory=set)
    errors: list[dict] = field(default_factory=list)

    def refuse(self, row: int, column: str, problem: ProblemError) -> None:
        """Note a problem; row 0 is the file as a whole."""
        if row:
            self.refused.add(row)
        if len(self.errors) < ListingImport.ERRORS_KEPT:
            said = {"code": problem.code, "zh": problem.zh, "en": problem.en}
            self.errors.append({"row": row, "column": column, **said})


@dataclass(frozen=True, slots=True)
class _Said:
    row: int
    fields: Mapping[str, object]
    mark: str


class Planner:
    """Compares the rows of a file with what the organisation has posted, a thousand at a time."""

    def __init__(self, run: ListingImport, headings: Sequence[object], *, now: datetime) -> None:
        self.plan = Plan()
        self._run, self._now = run, now
        self._organisation = run.organisation
        self._fields = read_header(headings)
        self._heading = {
            name: str(heading).strip() for name, heading in zip(self._fields, headings, strict=True) if name
        }
        self._columns = {name.partition(".")[0] for name in self._heading}
        self._catalogue, self._categories = Category.objects.catalogue(), Category.objects.ids()
        self._approved = {}
        if "audience" in self._columns:
            self._approved = {one.uscc: one for one in Organisation.objects.approved().exclude(uscc=None)}
        self._seen: dict[str, int] = {}

    def read(self, rows: Iterable[Row]) -> Plan:
        """Place every row of the file and return the plan."""
        chunk = []
        for number, cells in rows:
            if said := self._read_row(number, cells):
                chunk.append(said)
            if len(chunk) == CHUNK:
                self._place_all(chunk)
                chunk = []
        self._place_all(chunk)
        return self.plan

    def _read_row(self, number: int, cells: Sequence[object]) -> _Said | None:
        try:
            fields = read_row(self._fields, cells)
            if "external_id" in fields:
                fields["external_id"] = text(100)(fields["external_id"])
        except ProblemError as problem:
            self.plan.refuse(number, self._heading.get("attributes", ""), problem)
            return None
        if not fields:
            return None
        said = _Said(number, fields, fingerprint(fields))
        # Without an id of its own a row is known by what it says.
        first = self._seen.setdefault(fields.get("external_id") or said.mark, number)
        if first != number:
            problem = ProblemError("repeated", f"与第 {first} 行重复。", f"Row {first} has it already.")
            self.plan.refuse(number, self._heading.get("external_id", ""), problem)
            return None
        return said

    def _place_all(self, chunk: Sequence[_Said]) -> None:
        posted = self._organisation.listings
        ids = [said.fields["external_id"] for said in chunk if "external_id" in said.fields]
        marks = [said.mark for said in chunk if "external_id" not in said.fields]
        mark_of = dict(posted.filter(external_id__in=ids).values_list("external_id", "fingerprint"))
        known_marks = set(posted.filter(external_id=None, fingerprint__in=marks).values_list("fingerprint", flat=True))
        new, changed = [], []
        for said in chunk:
            external_id = said.fields.get("external_id")
            if said.mark in known_marks or mark_of.get(external_id) == said.mark:
                self.plan.unchanged += 1
            else:
                (changed if external_id in mark_of else new).append(said)
        for said in new:
            self._place(said, None)
        # What did not change, most of a file that is imported again, was not even loaded.
        rows = posted.select_related("category", "organisation").prefetch_related("certificates")
        there = {
            row.external_id: row for row in rows.filter(external_id__in=[s.fields["external_id"] for s in changed])
        }
        for said in changed:
            listing = there[said.fields["external_id"]]
            if listing.status == Listing.Status.CLOSED:
                problem = ProblemError(
                    "closed", "该信息已关闭，不能再修改。", "This listing is closed and cannot be changed."
                )
                self.plan.refuse(said.row, self._heading["external_id"], problem)
            else:
                self._place(said, listing)

    def _place(self, said: _Said, listing: Listing | None) -> None:
        fields = dict(said.fields)
        named = fields.pop("audience", None)
        kept: dict[str, object] = {}
        if listing is not None:
            # What the file has no column for stays as the listing says it.
            replaced = self._columns | by_language(fields).keys()
            before = said_by(listing, without_readings=True)
            kept = {name: value for name, value in before.items() if name not in replaced}
        draft = read_draft(
            kept | fields,
            catalogue=self._catalogue,
            today=timezone.localdate(self._now),
            region=self._organisation.region,
            changed=set(fields),
        )
        audience = self._audience(draft, named, listing)
        if draft.problems:
            for name, problems in draft.problems.items():
                for problem in problems:
                    self.plan.refuse(said.row, self._heading_of(name), problem)
            return
        if listing is None:
            listing = new_row(
                draft,
                organisation=self._organisation,
                by=self._run.by,
                categories=self._categories,
                now=self._now,
                publish=True,
            )
            self.plan.created.append((listing, draft))
        else:
            fill(listing, draft, categories=self._categories, now=self._now)
            self.plan.updated.append((listing, draft))
        listing.fingerprint = said.mark
        if listing.external_id:
            self.plan.rows[listing.external_id] = said.row
        if "audience" in self._columns:
            self.plan.audiences.append((listing, audience))

    def _audience(self, draft: Draft, named: object, listing: Listing | None) -> list[Organisation]:
        names = [] if named is None else [str(name).strip().upper() for name in several(str(named))]
        if missing := [name for name in names if name not in self._approved]:
            listed = ", ".join(missing)
            draft.refuse(
                "audience",
                ProblemError(
                    "unknown_organisation", f"没有这些已认证企业：{listed}。", f"No approved organisation: {listed}."
                ),
            )
        keeps_its_own = listing is not None and "audience" not in self._columns
        if draft.values.get("visibility") == Listing.Visibility.NAMED and not names and not keeps_its_own:
            draft.refuse(
                "audience",
                ProblemError("required", "请填写可见的企业。", "Name the organisations that may see this listing."),
            )
        return [self._approved[name] for name in names if name in self._approved]

    def _heading_of(self, name: str) -> str:
        """Return how the file heads a field; a column without a language stands for both."""
        candidates = (
            name,
            *(short for short, languages in STANDS_FOR.items() if name in languages),
            name.partition(".")[0],
        )
        return next((self._heading[one] for one in candidates if one in self._heading), name)


def plan_import(run: ListingImport, *, now: datetime) -> Plan:
    """Return what the file of this run would change; a file that cannot be read changes nothing and says why."""
    try:
        with run.file.open("rb") as file:
            rows: Iterator[Row] = read_table(file, run.file_name)
            _number, headings = next(rows, (0, ()))
            return Planner(run, headings, now=now).read(rows)
    except ProblemError as problem:
        plan = Plan()
        plan.refuse(0, "", problem)
        return plan
