"""Hand in the books of the demo's firms, and reckon their scores from them."""

from collections.abc import Mapping
from datetime import date, datetime

from django.core.files.base import ContentFile
from django.utils import timezone

from finance.models import CreditAssessment, RecordKind
from finance.services.assessments import assess_at_once
from finance.services.record_imports import import_at_once
from marketplace.models import Organisation, User
from seeds.trade_books import Book, purchases_file, sales_file


def hand_in_books(firms: Mapping[Organisation, tuple[User, Book]], *, until: date, now: datetime) -> None:
    """Import what these firms sold and bought before ``now`` of their books that end before ``until``."""
    known = timezone.localdate(now)
    for firm, (by, book) in firms.items():
        for kind, make in ((RecordKind.SALES, sales_file), (RecordKind.PURCHASES, purchases_file)):
            content = make(book, name=firm.uscc, until=until, known=known)
            file = ContentFile(content, name=f"{kind}-{known:%Y-%m}.csv")
            import_at_once(file=file, organisation=firm, kind=kind, by=by, now=now)


def reckon_scores(
    firms: Mapping[Organisation, tuple[User, Book]], *, now: datetime
) -> dict[Organisation, CreditAssessment]:
    """Score each of these firms by the platform's model."""
    return {firm: assess_at_once(organisation=firm, by=by, now=now) for firm, (by, _book) in firms.items()}
