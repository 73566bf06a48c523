"""A bank's files of confirmations: one person loads, a worker compares, a second person lets them post; breaks are settled."""

import csv
import hashlib
import io
from datetime import datetime

from django.core.files import File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import BankFile, BankFileRow, Drawdown, OfflineAct, ReconciliationBreak, Repayment
from finance.reading.bank_files import template
from finance.services import evidence, offline_acts, repayments
from finance.tasks import read_bank_file
from marketplace.models import Organisation, User
from marketplace.services.attachments import store_attachment
from marketplace.services.organisations import require_role

LONGEST_NOTE = 500
SETTLING_ROLES = ("maker", "checker")


class BankFileNotInStateForThis(RuleBroken):
    pass


class LoaderMayNotCheck(RuleBroken):
    """Who loaded a file may not let it post."""


class BreakAlreadySettled(RuleBroken):
    pass


class NothingWasCorrected(RuleBroken):
    """A break is said to be corrected here, and the payment still does not stand here."""


def load_bank_file(*, bank: Organisation, upload: File, by: User, now: datetime) -> BankFile:
    """Keep a bank's file for a worker to compare; the same content again returns the first and changes nothing.

    :raises OnlyMembersMay: if ``by`` is no maker of the bank
    :raises InputRefused: if the file is empty, too large or of a type that is not taken
    """
    require_role(by, bank, *BankFile.LOADING_ROLES)
    sha256 = _digest(upload)
    loaded = BankFile.objects.filter(bank=bank, sha256=sha256).exclude(posting=BankFile.Posting.REFUSED)
    if known := loaded.first():
        return known
    try:
        with transaction.atomic():
            attachment = store_attachment(upload=upload, by=by, readers=[bank], now=now)
            file = BankFile.objects.create(
                bank=bank,
                name=attachment.name,
                attachment=attachment,
                sha256=sha256,
                loaded_by=by,
                requested_at=now,
            )
            read_bank_file.delay_on_commit(file.pk)
    except IntegrityError:
        # Somebody loaded the same at the same moment.
        return loaded.get()
    return file


def post_bank_file(*, file: BankFile, by: User, now: datetime) -> BankFile:
    """Post, as the second person, what the file brought and nobody recorded here; each payment wholly or not at all.

    A payment that cannot be posted becomes a break that says why. Said again, it posts what was left undone.

    :raises LoaderMayNotCheck: if the same person loaded it
    :raises BankFileNotInStateForThis: if it is not read yet, or was refused
    """
    require_role(by, file.bank, *BankFile.CHECKING_ROLES)
    _require_second(file, by)
    waiting = BankFile.objects.filter(pk=file.pk, status=BankFile.Status.DONE, posting=BankFile.Posting.WAITING)
    with transaction.atomic():
        if waiting.update(posting=BankFile.Posting.POSTED, checked_by=by, checked_at=now):
            content = {"file": file.pk, "sha256": file.sha256}
            evidence.append(kind="bank_file.checked", content=content, at=now)
    file.refresh_from_db()
    if file.posting != BankFile.Posting.POSTED:
        raise BankFileNotInStateForThis(_("The file is not read yet, or was refused."))
    # Each in a transaction of its own, so that none holds another's loan while it waits for the log.
    for row in file.payments.filter(state=BankFileRow.State.TO_POST).order_by("paid_on", "line"):
        _post_or_break(file, row, now=now)
    return file


@transaction.atomic
def refuse_bank_file(*, file: BankFile, note: str, by: User, now: datetime) -> BankFile:
    """Refuse a file as the second person: nothing of it counts, and it may be loaded anew.

    :raises LoaderMayNotCheck: if the same person loaded it
    :raises InputRefused: without a reason
    :raises BankFileNotInStateForThis: if it was answered already
    """
    require_role(by, file.bank, *BankFile.CHECKING_ROLES)
    _require_second(file, by)
    note = _required(note)
    row = BankFile.objects.filter(pk=file.pk, posting=BankFile.Posting.WAITING)
    if not row.update(posting=BankFile.Posting.REFUSED, checked_by=by, checked_at=now, check_note=note):
        raise BankFileNotInStateForThis(_("This file was answered already."))
    file.refresh_from_db()
    file.payments.update(state=BankFileRow.State.DROPPED)
    open_breaks = ReconciliationBreak.objects.open().filter(file=file)
    settled = {"resolution": ReconciliationBreak.Resolution.NOT_OURS, "note": note, "resolved_by": by}
    open_breaks.update(resolved_at=now, **settled)
    return file


@transaction.atomic
def settle_break(*, found: ReconciliationBreak, resolution: str, note: str, by: User, now: datetime) -> None:
    """Say how a break was settled, and why.

    :raises InputRefused: if the resolution is none of those a person may choose, or no reason is given
    :raises NothingWasCorrected: if it is said to be corrected here and still is not
    :raises BreakAlreadySettled: if somebody settled it already
    """
    require_role(by, found.file.bank, *SETTLING_ROLES)
    if resolution not in ReconciliationBreak.CHOOSABLE:
        raise InputRefused({"resolution": [_("Choose one of these.")]})
    note = _required(note)
    if resolution == ReconciliationBreak.Resolution.CORRECTED_HERE and not _stands_here(found):
        raise NothingWasCorrected(_("No payment with this reference, amount and day stands here yet."))
    row = ReconciliationBreak.objects.open().filter(pk=found.pk)
    if not row.update(resolution=resolution, note=note, resolved_by=by, resolved_at=now):
        raise BreakAlreadySettled(_("This break was settled already."))
    found.refresh_from_db()


def template_file(*, english: bool) -> str:
    """Return an empty file with its headings, an example and what each column means, as CSV."""
    columns = template(english=english)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([heading for heading, _example, _advice in columns])
    writer.writerow([example for _heading, example, _advice in columns])
    # With the mark by which spreadsheets know UTF-8.
    return "\ufeff" + text.getvalue()


def _post_or_break(file: BankFile, row: BankFileRow, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            _post(file, row, now=now)
    except RuleBroken as refused:
        with transaction.atomic():
            BankFileRow.objects.filter(pk=row.pk).update(state=BankFileRow.State.BREAK)
            ReconciliationBreak.objects.create(
                file=file,
                kind=ReconciliationBreak.Kind.MISSING_HERE,
                row=row,
                act=row.act,
                repayment=row.repayment,
                details={
                    "there": {
                        "amount": f"{row.amount:.2f}",
                        "currency": row.currency,
                        "day": row.paid_on.isoformat(),
                    },
                    "why": {"zh": str(refused), "en": str(refused)},
                },
            )


def _post(file: BankFile, row: BankFileRow, *, now: datetime) -> None:
    """Post one payment: who loaded the file recorded it, who checked the file confirms it."""
    mine = BankFileRow.objects.filter(pk=row.pk, state=BankFileRow.State.TO_POST)
    if row.kind == BankFileRow.Kind.REPAYMENT:
        if not mine.update(state=BankFileRow.State.MATCHED):
            return
        booked = _book(file, row, now=now)
        BankFileRow.objects.filter(pk=row.pk).update(state=BankFileRow.State.POSTED, repayment=booked)
        return
    if not mine.update(state=BankFileRow.State.POSTED):
        return
    act = OfflineAct.objects.with_names().get(pk=row.act_id)
    if act.status == OfflineAct.Status.RECORDED:
        offline_acts.confirm_act(act=act, by=file.checked_by, now=now)
        return
    offline_acts.settle_by_file(
        act=act,
        reference=row.reference,
        amount=row.amount,
        day=row.paid_on,
        recorded_by=file.loaded_by,
        confirmed_by=file.checked_by,
        now=now,
    )


def _book(file: BankFile, row: BankFileRow, *, now: datetime) -> Repayment:
    if row.repayment_id:
        return repayments.confirm_repayment(repayment=row.repayment, by=file.checked_by, at=now)
    return repayments.book_repayment(
        drawdown=Drawdown.objects.get(pk=row.drawdown_id),
        amount=row.amount,
        paid_on=row.paid_on,
        reference=row.reference,
        recorded_by=file.loaded_by,
        by=file.checked_by,
        at=now,
        is_early=row.is_early,
    )


def _stands_here(found: ReconciliationBreak) -> bool:
    if found.kind == ReconciliationBreak.Kind.MISSING_THERE:
        # What was recorded here by mistake and taken back.
        refused = found.repayment and found.repayment.status == Repayment.Status.REFUSED
        return bool(refused or (found.act and found.act.status == OfflineAct.Status.CANCELLED))
    row = found.row
    if row.kind == BankFileRow.Kind.REPAYMENT:
        booked = Repayment.objects.booked().filter(drawdown__line__bank=row.bank_id, reference=row.reference)
        return booked.filter(amount=row.amount, paid_on=row.paid_on).exists()
    acts = OfflineAct.objects.filter(kind=OfflineAct.Kind.FUNDS_PAID, recorder=row.bank_id, reference=row.reference)
    return acts.filter(status=OfflineAct.Status.CONFIRMED, amount=row.amount, occurred_on=row.paid_on).exists()


def _require_second(file: BankFile, by: User) -> None:
    if file.loaded_by_id == by.pk:
        raise LoaderMayNotCheck(_("You loaded this file: another person has to let it post."))


def _required(note: str) -> str:
    if not (note := note.strip()):
        raise InputRefused({"note": [_("Say why.")]})
    return note[:LONGEST_NOTE]


def _digest(upload: File) -> str:
    content = hashlib.sha256()
    for chunk in upload.chunks():
        content.update(chunk)
    upload.seek(0)
    return content.hexdigest()
