"""The one door through which another organisation reads a firm's data: it asks for consent, and leaves a row.

Whoever shows a firm's data to a bank, insurer or guarantor first calls ``allow`` or ``require`` and shows only the groups
that it returns; the rows themselves come from ``readable_by`` of their QuerySet, which asks the same of the database.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from finance.models import Consent, DataGroup, RecordRead
from marketplace.models import Organisation, User


class NotConsented(RuleBroken):
    """The firm does not let this reader see what was asked for."""


def readable_groups(*, firm: Organisation, reader: Organisation, purpose: str, now: datetime) -> frozenset[str]:
    """Return which groups of its data the firm lets this reader see now; looks at no data and leaves no row."""
    standing = Consent.objects.letting(reader, purpose=purpose, now=now).filter(firm=firm)
    return frozenset(group for groups in standing.values_list("groups", flat=True) for group in groups)


@transaction.atomic
def allow(
    *,
    firm: Organisation,
    reader: Organisation,
    by: User,
    purpose: str,
    groups: Iterable[str],
    now: datetime,
    subject: str = "",
    rows: Mapping[str, int] | None = None,
) -> frozenset[str]:
    """Return which of these groups the firm lets this reader see now, and write a row for each that is read.

    ``subject`` is what it is read for (the number of an application, line or voucher); ``rows`` how many rows of a group
    are shown, 1 where nothing is said.
    """
    standing = list(Consent.objects.letting(reader, purpose=purpose, now=now).filter(firm=firm).order_by("-pk"))
    found = {group: consent for consent in reversed(standing) for group in consent.groups}
    allowed = [group for group in DataGroup.values if group in set(groups) and group in found]
    RecordRead.objects.bulk_create(
        RecordRead(
            consent=found[group],
            firm=firm,
            reader=reader,
            by=by,
            purpose=purpose,
            group=group,
            subject=subject,
            rows=(rows or {}).get(group, 1),
            at=now,
        )
        for group in allowed
    )
    return frozenset(allowed)


def require(
    *,
    firm: Organisation,
    reader: Organisation,
    by: User,
    purpose: str,
    groups: Iterable[str],
    now: datetime,
    subject: str = "",
) -> None:
    """Write a row for each of these groups, or refuse when the firm does not let this reader see all of them.

    :raises NotConsented: if one of the groups is not consented to; then nothing is written
    """
    groups = frozenset(groups)
    missing = groups - readable_groups(firm=firm, reader=reader, purpose=purpose, now=now)
    if missing:
        names = ", ".join(str(DataGroup(group).label) for group in DataGroup.values if group in missing)
        raise NotConsented(_("The firm does not let you read this: %(groups)s.") % {"groups": names})
    allow(firm=firm, reader=reader, by=by, purpose=purpose, groups=groups, now=now, subject=subject)
