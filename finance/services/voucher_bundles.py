"""The file that a firm hands to a bank: a voucher with every proof that a checker who is offline needs."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from finance.models import Checkpoint, CreditVoucher, LogLeaf, TransactionRecord
from finance.reading.batches import batch_root
from finance.services import checkpoints, evidence
from finance.verify_voucher import BUNDLE, canonical, from_base64url, sha256
from finance.vouchers import merkle, sd_jwt

# Of how many checkpoints of before the file proves that its own grew from them.
RECENT, OF_THE_BANK = 10, 20


@dataclass(frozen=True)
class Presented:
    """What was handed out: the text of the file, its hash, and what it shows."""

    text: str
    sha256: str
    nonce: str
    shown: list[str]
    records: int


def make_bundle(
    *,
    voucher: CreditVoucher,
    disclosures: list[str],
    key: Any,
    audience: str,
    nonce: str,
    status: str,
    record_count: int,
    now: datetime,
) -> Presented:
    """Return voucher, disclosures and proofs as one file; the holder's signature covers all of it."""
    checkpoint = checkpoints.best_checkpoint(leaf=voucher.leaf, now=now)
    size = checkpoint.size
    batches = _batches(voucher)
    proofs = evidence.inclusion_proofs(indexes=[voucher.leaf_id, *(leaf.index for leaf in batches)], size=size)
    bundle: dict[str, Any] = {
        "format": BUNDLE,
        "trust": checkpoints.trust_file(),
        "presentation": "",
        "status_list": status,
        "leaf": _proven(voucher.leaf, proofs),
        "batches": [{**_proven(leaf, proofs), "records": _records(leaf, record_count)} for leaf in batches],
        "checkpoint": checkpoint.note(),
        "consistency": _consistency(voucher, size),
    }
    bundle["presentation"] = sd_jwt.present(
        voucher.token,
        disclosures,
        key=key,
        audience=audience,
        nonce=nonce,
        at=int(now.timestamp()),
        extra={"file_hash": sha256(canonical(bundle))},
    )
    text = canonical(bundle) + "\n"
    read = [sd_jwt.read_disclosure(one) for one in disclosures]
    return Presented(
        text=text,
        sha256=sha256(text),
        nonce=nonce,
        shown=[one.name or "customers" for one in read],
        records=sum(len(batch["records"]) for batch in bundle["batches"]),
    )


def payload_of(voucher: CreditVoucher) -> dict[str, Any]:
    """Return what the issuer signed, with digests in the places of what is hidden."""
    return json.loads(from_base64url(voucher.token.split(".")[1]))


def _batches(voucher: CreditVoucher) -> list[LogLeaf]:
    """Return the leaves of the batches that the voucher rests on, as it lists them."""
    listed = [one["leaf"] for one in payload_of(voucher)["evidence"]]
    return list(LogLeaf.objects.filter(pk__in=listed).in_order())


def _proven(leaf: LogLeaf, proofs: dict[int, list[bytes]]) -> dict[str, Any]:
    return {"index": leaf.index, "entry": leaf.entry(), "proof": [step.hex() for step in proofs[leaf.index]]}


def _consistency(voucher: CreditVoucher, size: int) -> list[dict[str, Any]]:
    """Return proofs from the first checkpoint, the last ones, and those that the bank itself co-signed."""
    before = Checkpoint.objects.filter(size__lt=size)
    sizes = set(before.newest_first().values_list("size", flat=True)[:RECENT])
    theirs = before.filter(cosignatures__witness__organisation=voucher.bank).newest_first()
    sizes |= set(theirs.values_list("size", flat=True)[:OF_THE_BANK])
    sizes |= set(before.order_by("size").values_list("size", flat=True)[:1])
    proofs = evidence.consistency_proofs(olds=sizes, size=size)
    return [
        {"old": old, "size": size, "proof": [step.hex() for step in proofs[old]]} for old in sorted(sizes, reverse=True)
    ]


def _records(leaf: LogLeaf, count: int) -> list[dict[str, Any]]:
    """Return the newest records of a batch, each with its proof in the tree of the batch."""
    if not count:
        return []
    rows = list(_of_batch(leaf).values_list("pk", "sha256", "occurred_on"))
    # Of a batch that is no more what it was, nothing can be proved record by record.
    if batch_root(row[1] for row in rows) != leaf.content["root"]:
        return []
    tree = merkle.Tree(merkle.leaf_hash(bytes.fromhex(row[1])) for row in rows)
    newest = sorted(range(len(rows)), key=lambda place: (rows[place][2], place))[-count:]
    full = TransactionRecord.objects.select_related("organisation").in_bulk([rows[place][0] for place in newest])
    return [
        {
            "place": place,
            **_said(full[rows[place][0]]),
            "proof": [step.hex() for step in tree.inclusion(place, len(rows))],
        }
        for place in sorted(newest)
    ]


def _of_batch(leaf: LogLeaf) -> QuerySet[TransactionRecord]:
    """Return the records of a batch in the order in which its tree has them."""
    if "import" in leaf.content:
        return TransactionRecord.objects.filter(imported_by=leaf.content["import"]).order_by("line")
    between = TransactionRecord.objects.filter(pk__range=(leaf.content["first"], leaf.content["last"]))
    first = between.filter(pk=leaf.content["first"]).values("organisation")
    ours = between.filter(organisation__in=first, source=TransactionRecord.Source.PLATFORM)
    return ours.order_by("pk")


def _said(record: TransactionRecord) -> dict[str, Any]:
    """Return the record as it was hashed; its hash alone where that cannot be written again to the letter."""
    firm = record.organisation
    content = {
        "firm": firm.uscc or f"{firm.country}/{firm.foreign_identifier}",
        "kind": record.kind,
        "invoice_code": record.invoice_code,
        "number": record.number,
        "occurred_on": record.occurred_on.isoformat(),
        "counterparty_code": record.counterparty_code,
        "counterparty_name": record.counterparty_name,
        "direction": record.direction,
        "net_amount": str(record.net_amount),
        "tax_amount": str(record.tax_amount),
        "total_amount": str(record.total_amount),
        "currency": record.currency,
        "quantity": None if record.quantity is None else str(record.quantity),
        "unit": record.unit,
        "goods": record.goods,
        "reference": record.reference,
        "is_void": record.is_void,
    }
    return {"content": content} if sha256(canonical(content)) == record.sha256 else {"sha256": record.sha256}
