"""The fingerprint of an invoice as something to lend on: the same however it was typed, read or exported.

Normal form, each part folded by NFKC (full-width letters and digits become plain ones) and in capitals:

- seller and buyer: their code (USCC, VAT number …) with only its letters and digits;
- the invoice's own number: a fully digital invoice (数电票) has 20 digits and no code. A paper or electronic one has a
  code of 10 or 12 digits and a number of 8: zeros that a spreadsheet ate are put back, and code and number are joined,
  so that whether a system splits the 20 digits into 12 and 8 makes no difference. Anything else: letters and digits,
  without zeros in front, code and number divided by a stroke;
- the face in fen, with the currency; the day as in ISO 8601.

The key of an invoice is the hash of seller and number alone: what was registered under it before cannot come again with
another amount, day or buyer.
"""

import hashlib
import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import NamedTuple

VERSION = "receivable/1"
CODE_LENGTHS, NUMBER_LENGTH, DIGITAL_LENGTH = (10, 12), 8, 20


class Fingerprint(NamedTuple):
    """``key`` is of seller and invoice, ``full`` of everything; both SHA-256 in hexadecimal."""

    key: str
    full: str


def party_code(code: str) -> str:
    """Return a party's code in normal form.

    >>> party_code(" 9133 1021-ＭＡ2ABCDE0x ")
    '91331021MA2ABCDE0X'
    """
    return re.sub(r"[^0-9A-Z]", "", _folded(code))


def invoice_identity(code: str, number: str) -> str:
    """Return what names an invoice of a seller.

    >>> invoice_identity("033002100211", "00123456")
    '03300210021100123456'
    >>> invoice_identity("33002100211", "123456") == invoice_identity("", "03300210021100123456")
    True
    >>> invoice_identity("", "INV-0042")
    'INV0042'
    """
    code, number = party_code(code), party_code(number)
    if len(number) == DIGITAL_LENGTH and number.isdigit():
        return number
    if code.isdigit() and number.isdigit() and len(number) <= NUMBER_LENGTH:
        # One zero at the front is what a spreadsheet eats of a code.
        whole = next((length for length in CODE_LENGTHS if len(code) in (length, length - 1)), None)
        if whole:
            return code.zfill(whole) + number.zfill(NUMBER_LENGTH)
    code, number = code.lstrip("0"), number.lstrip("0")
    return f"{code}/{number}" if code else number


def fingerprint(
    *,
    seller: str,
    buyer: str,
    invoice_code: str,
    invoice_number: str,
    face: Decimal,
    currency: str,
    issued_on: date,
) -> Fingerprint:
    """Return key and fingerprint of an invoice.

    >>> said = {"seller": "S1", "buyer": "B1", "invoice_code": "", "currency": "CNY", "issued_on": date(2026, 3, 1)}
    >>> one = fingerprint(invoice_number="00042", face=Decimal("100"), **said)
    >>> one == fingerprint(invoice_number="４２", face=Decimal("100.00"), **said)
    True
    >>> other = fingerprint(invoice_number="42", face=Decimal("100.01"), **said)
    >>> one.key == other.key, one.full == other.full
    (True, False)
    """
    names = [VERSION, party_code(seller), invoice_identity(invoice_code, invoice_number)]
    if not names[1] or not names[2]:
        raise ValueError("An invoice is named by its seller's code and its own number.")
    fen = int((face * 100).to_integral_exact())
    rest = [party_code(buyer), f"{fen}{_folded(currency)}", issued_on.isoformat()]
    return Fingerprint(key=_hash(names), full=_hash([*names, *rest]))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).upper().strip()


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
