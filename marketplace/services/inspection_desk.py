"""An inspection with its report and photos, all kept or none."""

from collections.abc import Iterable
from datetime import datetime

from django.core.files import File
from django.db import transaction

from marketplace.models import Inspection, Lot, User
from marketplace.services.attachments import store_attachments
from marketplace.services.inspections import inspect_lot, inspector_of


@transaction.atomic
def inspect_with_files(*, lot: Lot, by: User, now: datetime, files: Iterable[File], **said) -> Inspection:
    """Judge a lot as ``inspect_lot`` does, and keep the uploaded files with it; refuses what both refuse."""
    organisation = inspector_of(lot.shipment, lot, by)
    attachments = store_attachments(uploads=files, by=by, readers=[organisation], now=now)
    return inspect_lot(lot=lot, by=by, now=now, attachments=attachments, **said)
