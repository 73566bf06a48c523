"""Take facts into the database by the hundred thousand: COPY into a table of this connection, then one INSERT.

Reading takes seconds and needs no transaction; the INSERT runs in the transaction that finishes the run.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection

from finance.models import RecordImport
from finance.reading.facts import Fact

COLUMNS = {
    "line": "integer",
    "key": "text",
    "sha256": "text",
    "invoice_code": "text",
    "number": "text",
    "occurred_on": "date",
    "counterparty_code": "text",
    "counterparty_name": "text",
    "direction": "text",
    "net_amount": "numeric(20, 2)",
    "tax_amount": "numeric(20, 2)",
    "total_amount": "numeric(20, 2)",
    "currency": "text",
    "quantity": "numeric(20, 3)",
    "unit": "text",
    "goods": "text",
    "reference": "text",
    "is_void": "boolean",
}
CHUNK = 2000
_NAMES = ", ".join(COLUMNS)
_STAGED = ", ".join(f"staged.{name}" for name in COLUMNS)


_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _line(fact: Fact, key: str, sha256: str) -> str:
    """Return one line of COPY's text format, in the order of the columns."""
    quantity = r"\N" if fact.quantity is None else fact.quantity
    return (
        f"{fact.line}\t{key}\t{sha256}\t{_text(fact.invoice_code)}\t{_text(fact.number)}\t{fact.occurred_on}"
        f"\t{_text(fact.counterparty_code)}\t{_text(fact.counterparty_name)}\t{fact.direction}"
        f"\t{fact.net_amount}\t{fact.tax_amount}\t{fact.total_amount}\t{fact.currency}\t{quantity}"
        f"\t{_text(fact.unit)}\t{_text(fact.goods)}\t{_text(fact.reference)}\t{'t' if fact.is_void else 'f'}\n"
    )


def _text(said: str) -> str:
    return said if said.isalnum() or not said else said.translate(_ESCAPED)


class RecordStage:
    """The facts of one run before they are records; one statement writes those that the firm does not have yet."""

    def __init__(self, name: str) -> None:
        self.name = name

    def fill(self, facts: Iterator[tuple[Fact, str, str]]) -> int:
        """Copy facts, each with its key and its hash; return how many."""
        count = 0
        statement = f"COPY {self.name} ({_NAMES}) FROM STDIN"
        # The first rows are taken before COPY begins: what reads them asks the database for the firm and the file, and
        # while COPY runs this connection answers nobody.
        lines = [_line(*one) for one in itertools.islice(facts, CHUNK)]
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            # Lines are put together here: a driver that adapts each value takes three times as long.
            while lines:
                copy.write("".join(lines))
                count += len(lines)
                lines = [_line(*one) for one in itertools.islice(facts, CHUNK)]
        return count

    def insert(self, run: RecordImport, *, source: str, known_at: datetime) -> int:
        """Write what is not known yet as records of the run's firm; return how many were new.

        The counterparty is linked where its code is the credit code of an organisation here.
        """
        statement = f"""
            INSERT INTO finance_transactionrecord (
                organisation_id, kind, source, is_verified, known_at, imported_by_id, counterparty_id, {_NAMES})
            SELECT %s, %s, %s, false, %s, %s, known.id, {_STAGED}
            FROM {self.name} AS staged
            LEFT JOIN marketplace_organisation AS known
                ON known.uscc = upper(staged.counterparty_code) AND known.id <> %s
            ORDER BY staged.line
            ON CONFLICT (organisation_id, kind, key) DO NOTHING
        """  # noqa: S608 - the names are ours
        firm = run.organisation_id
        with connection.cursor() as cursor:
            cursor.execute(statement, [firm, run.kind, source, known_at, run.pk, firm])
            return cursor.rowcount


@contextmanager
def record_stage(run: RecordImport) -> Iterator[RecordStage]:
    """Make the stage of a run, and take it down again whatever happens."""
    name = f"record_stage_{run.pk}"
    columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns})")
    try:
        yield RecordStage(name)
    finally:
        # In a transaction that failed nothing more can be said; the table goes with it.
        if connection.is_usable() and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS {name}")
