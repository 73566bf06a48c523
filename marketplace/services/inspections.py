from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import (
    Attachment,
    FulfilmentEvent,
    Inspection,
    InspectionResult,
    Lot,
    Membership,
    Organisation,
    Park,
    Shipment,
    User,
)
from marketplace.models.shipment import new_number
from marketplace.models.terms import CENT
from marketplace.parsing.draft_fields import ProblemError
from marketplace.parsing.specifications import Comparison, compare, rules_of
from marketplace.services import deal_files
from marketplace.services.attachments import share_attachment
from marketplace.services.fulfilment_events import tell, write_event
from marketplace.services.lots import read_quantity
from marketplace.services.organisations import require_role
from marketplace.services.said_fields import in_my_language, short_text
from marketplace.services.scan_kinds import follow_lots
from marketplace.services.shipments import ShipmentNotInStateForThis, locked, lots_of

ZERO = Decimal(0)
MOST_RESULTS = 100
VERDICTS_ZH = {"pass": "合格", "concession": "让步接收", "reject": "不合格"}
VERDICTS_EN = {"pass": "passed", "concession": "concession", "reject": "rejected"}


class InspectionAlreadyAnswered(RuleBroken):
    """The buyer agreed or decided meanwhile: what was agreed stands."""


class NothingToInspect(RuleBroken):
    pass


@transaction.atomic
def inspect_lot(  # noqa: PLR0913 - an inspection has that many sides
    *,
    lot: Lot,
    by: User,
    now: datetime,
    accepted: object = 0,
    concession: object = 0,
    rejected: object = 0,
    results: Mapping[str, object] | None = None,
    verdict: str = "",
    price_reduction_percent: object = 0,
    method: str = "",
    sample_size: int | None = None,
    note: str = "",
    attachments: Iterable[Attachment] = (),
) -> Inspection:
    """Judge a lot: hold what was measured to the order line, and say how much passes, at a concession, or not at all.

    A later inspection takes the place of an earlier one, unless the buyer has answered that.

    :raises OnlyMembersMay: if ``by`` neither works in the park nor, for goods that came without one, trades for the buyer
    :raises InputRefused: naming the field: more than there is, a value that is none, a pass though an attribute fails
    :raises ShipmentNotInStateForThis: if the goods have not arrived, or their receipt is signed
    :raises NothingToInspect: if all of the lot was received or sent back
    :raises InspectionAlreadyAnswered: if the buyer agreed to the concession of the last inspection
    """
    shipment, lots, lot = lock_lot(lot)
    organisation = inspector_of(shipment, lot, by)
    if lot.open_quantity <= 0:
        raise NothingToInspect(_("All of lot %(number)s was received or sent back.") % {"number": lot.number})
    if not shipment.is_here:
        raise ShipmentNotInStateForThis(shipment)
    quantities = _read_quantities(lot, accepted, concession, rejected)
    comparisons = _compare_all(lot, results or {})
    verdict = _read_verdict(verdict, quantities, comparisons)
    percent = _read_percent(price_reduction_percent, quantities["concession_quantity"])
    _supersede(lot, now)
    inspection = Inspection.objects.create(
        number=new_number("IN", now),
        lot=lot,
        organisation=organisation,
        by=by,
        at=now,
        method=short_text(method, "method", 200),
        sample_size=sample_size,
        verdict=verdict,
        inspected_quantity=sum(quantities.values()),
        **quantities,
        price_reduction_percent=percent,
        concession_status=Inspection.Concession.ASKED if quantities["concession_quantity"] else "none",
        note=short_text(note, "note", 1000),
    )
    InspectionResult.objects.bulk_create(
        [InspectionResult(inspection=inspection, **vars(comparison)) for comparison in comparisons]
    )
    files = list(attachments)
    inspection.attachments.set(files)
    for file in files:
        share_attachment(attachment=file, readers=[shipment.seller, lot.order_line.order.buyer])
    _write_judgement(lot, inspection)
    _tell_all(inspection, shipment, lots, lot, comparisons, files, now)
    follow_lots(shipment, lots, now=now)
    return inspection


def lock_lot(lot: Lot) -> tuple[Shipment, list[Lot], Lot]:
    shipment = locked(lot.shipment)
    lots = lots_of(shipment)
    return shipment, lots, next(one for one in lots if one.pk == lot.pk)


def inspector_of(shipment: Shipment, lot: Lot, by: User) -> Organisation:
    """Return in whose name the user inspects: the park's, or the buyer's of goods that came without one.

    :raises OnlyMembersMay: if the user may not
    """
    if shipment.park is not None:
        require_role(by, shipment.park.organisation, *Park.STAFF_ROLES)
        return shipment.park.organisation
    buyer = lot.order_line.order.buyer
    require_role(by, buyer, *Membership.TRADING_ROLES)
    return buyer


def _read_quantities(lot: Lot, accepted: object, concession: object, rejected: object) -> dict[str, Decimal]:
    said = {"accepted": accepted, "concession": concession, "rejected": rejected}
    found, errors = {}, {}
    for name, value in said.items():
        try:
            is_nothing = value in (None, "", 0) or Decimal(str(value).strip() or 0) == 0
        except ArithmeticError:
            is_nothing = False
        try:
            found[f"{name}_quantity"] = ZERO if is_nothing else read_quantity(value, name)
        except InputRefused as refused:
            errors |= refused.errors
    if errors:
        raise InputRefused(errors)
    total = sum(found.values())
    if total == 0:
        raise InputRefused({"accepted": [_("Say how much was inspected: what passed and what did not.")]})
    if total > lot.open_quantity:
        message = _("Of this lot only %(left)s %(unit)s are there.") % {
            "left": format(lot.open_quantity.normalize(), "f"),
            "unit": lot.unit,
        }
        raise InputRefused({"accepted": [message]})
    return found


def _compare_all(lot: Lot, results: Mapping[str, object]) -> list[Comparison]:
    rules, errors, found = rules_of(lot.order_line.specification), {}, []
    if len(results) > MOST_RESULTS:
        raise InputRefused({"results": [_("At most %(count)d values.") % {"count": MOST_RESULTS}]})
    for attribute, said in results.items():
        at = f"results.{attribute}"
        if len(str(attribute)) > InspectionResult._meta.get_field("attribute").max_length:  # noqa: SLF001 - Django's own
            errors[at] = [_("At most %(count)d characters.") % {"count": 60}]
            continue
        if attribute not in rules:
            errors[at] = [_("The order specifies no such attribute.")]
            continue
        try:
            found.append(compare(attribute, rules[attribute], said))
        except ProblemError as problem:
            errors[at] = [in_my_language(problem)]
    if errors:
        raise InputRefused(errors)
    return found


def _read_verdict(said: str, quantities: Mapping[str, Decimal], comparisons: list[Comparison]) -> str:
    verdict = Inspection.Verdict.PASS
    if quantities["rejected_quantity"]:
        verdict = Inspection.Verdict.REJECT
    if quantities["concession_quantity"]:
        verdict = Inspection.Verdict.CONCESSION
    if said and said not in Inspection.Verdict.values:
        raise InputRefused({"verdict": [_("There is no such verdict.")]})
    failed = [comparison.attribute for comparison in comparisons if not comparison.passed]
    if failed and Inspection.Verdict.PASS in (verdict, said):
        message = _("Not within the specification: %(names)s. What passes at a concession or not at all?")
        raise InputRefused({"verdict": [message % {"names": ", ".join(failed)}]})
    if said and said != verdict:
        raise InputRefused({"verdict": [_("The verdict does not go with the quantities.")]})
    return verdict


def _read_percent(said: object, concession: Decimal) -> Decimal:
    try:
        percent = Decimal(str(said or 0)).quantize(CENT)
    except ArithmeticError as error:
        raise InputRefused({"price_reduction_percent": [_("Enter a number.")]}) from error
    if not 0 <= percent <= 100:
        raise InputRefused({"price_reduction_percent": [_("Between 0 and 100.")]})
    if percent and not concession:
        raise InputRefused({"price_reduction_percent": [_("Only what is taken at a concession costs less.")]})
    return percent


def _supersede(lot: Lot, now: datetime) -> None:
    """Put the last inspection aside, unless something was agreed on it that stands."""
    last = Inspection.objects.current().filter(lot=lot).first()
    if last is None:
        return
    if last.concession_status == Inspection.Concession.AGREED:
        raise InspectionAlreadyAnswered(
            _("The buyer agreed to the concession of inspection %(number)s.") % {"number": last.number}
        )
    Inspection.objects.filter(pk=last.pk).current().update(superseded_at=now)


def _write_judgement(lot: Lot, inspection: Inspection) -> None:
    lot.accepted_quantity = inspection.accepted_quantity
    lot.rejected_quantity = lot.sent_back_quantity + inspection.rejected_quantity
    if inspection.verdict == Inspection.Verdict.CONCESSION:
        status = Lot.Status.CONCESSION
    elif inspection.accepted_quantity:
        status = Lot.Status.PASSED
    else:
        status = Lot.Status.REJECTED
    # What lies in a warehouse stays "in stock", unless all of it is to go back.
    if status == Lot.Status.REJECTED or lot.status not in (Lot.Status.STORED, Lot.Status.RELEASED):
        lot.status = status
    lot.save(update_fields=["accepted_quantity", "rejected_quantity", "status"])


def _tell_all(
    inspection: Inspection,
    shipment: Shipment,
    lots: list[Lot],
    lot: Lot,
    comparisons: list[Comparison],
    files: list[Attachment],
    now: datetime,
) -> None:
    order = lot.order_line.order
    within = sum(comparison.passed for comparison in comparisons)
    write_event(
        shipment=shipment,
        lots=lots,
        lot=lot,
        kind=FulfilmentEvent.Kind.INSPECTED,
        by=inspection.by,
        organisation=inspection.organisation,
        recorded_at=now,
        now=now,
        data={
            "inspection": inspection.number,
            "verdict": inspection.verdict,
            "checked": len(comparisons),
            "within": within,
        },
        is_recorded=False,
    )
    payload = {
        "inspection": inspection.number,
        "shipment": shipment.number,
        "lot": lot.number,
        "by": deal_files.party_of(inspection.organisation),
        "verdict": inspection.verdict,
        "unit": lot.unit,
        "accepted": inspection.accepted_quantity,
        "concession": inspection.concession_quantity,
        "rejected": inspection.rejected_quantity,
        "price_reduction_percent": inspection.price_reduction_percent,
        "method": inspection.method,
        "results": [vars(comparison) for comparison in comparisons],
        "note": inspection.note,
        "attachments": files,
    }
    deal_files.record(order=order, kind="lot.inspected", by=inspection.by, at=now, payload=payload)
    titles = (
        f"批次 {lot.number} 检验结果：{VERDICTS_ZH[inspection.verdict]}",
        f"Lot {lot.number} was inspected: {VERDICTS_EN[inspection.verdict]}",
    )
    waits = inspection.waits_for_consent or inspection.waits_for_remedy
    tell(
        "lot.inspected",
        shipment=shipment,
        organisations=[shipment.seller, order.buyer],
        titles=titles,
        bodies=("请买方答复。", "The buyer is asked for an answer.") if waits else ("", ""),
        now=now,
        key=inspection.number,
        url=reverse("marketplace:inspection_detail", args=[inspection.pk]),
        data={"lot": lot.pk, "verdict": str(inspection.verdict), "inspection": inspection.pk},
    )
