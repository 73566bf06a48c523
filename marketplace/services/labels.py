"""Labels with QR codes, to be put on goods and papers."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Prefetch
from django.urls import reverse

from marketplace.models import Lot, Package, Shipment
from marketplace.papers import qr_svg


@dataclass(frozen=True)
class Label:
    """What stands on a label; ``kind`` is shipment, lot or package."""

    kind: str
    title: str
    subtitle: str
    quantity: object
    unit: str
    svg: str
    address: str


def trace_address(token: str) -> str:
    """Return what a QR code holds: the address of the trace page, which also names the thing to every scanner."""
    return settings.PUBLIC_URL.rstrip("/") + reverse("marketplace:trace", args=[token])


def labels_of(*, shipment: Shipment, lots: Iterable[Lot]) -> list[Label]:
    """Return the labels of a shipment, of its lots and of their packages, in the order in which they are stuck on."""
    packages = Prefetch("packages", Package.objects.order_by("number"))
    labels = [_label("shipment", shipment.token, shipment.number, shipment.seller.name)]
    for lot in lots.select_related("order_line").prefetch_related(packages).order_by("pk"):
        description = lot.order_line.description
        labels.append(_label("lot", lot.token, lot.number, description, lot.quantity, lot.unit))
        pieces = list(lot.packages.all())
        labels += [
            _label(
                "package", one.token, f"{lot.number} · {one.number}/{len(pieces)}", description, one.quantity, lot.unit
            )
            for one in pieces
        ]
    return labels


def _label(kind: str, token: str, title: str, subtitle: str, quantity: object = None, unit: str = "") -> Label:
    address = trace_address(token)
    return Label(kind, title, subtitle, quantity, unit, qr_svg(address), address)
