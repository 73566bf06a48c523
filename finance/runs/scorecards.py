"""Take a model from its row only as it was put there: by its hash, and by this instance's signature."""

import hashlib
import json
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from finance.models import Scorecard
from finance.models.scorecard import LOGISTIC
from finance.scoring.default import default_scorecard
from finance.scoring.scorecard import ScorecardUnreadable
from marketplace.models import Organisation, User
from marketplace.services import instance_keys

# Signs the models that this instance takes in.
KEY = "scorecards"
SHIPPED_NAME = "Platform"


class ScorecardTampered(RuleBroken):
    """What the row says is not what was put there."""


def canonical(value: Any) -> str:
    """Write a value of JSON in the one way that survives the database: 1.0 and 1 are the same number there.

    >>> canonical({"b": 1.0, "a": [0.25, None, -0.0]})
    '{"a":[0.25,null,0],"b":1}'
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def digest(value: Any) -> str:
    """Return the SHA-256 of a value's one written form, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def _signed(scorecard: Scorecard) -> bytes:
    """Return what the signature is of: a model of one bank is no model of another, nor another version."""
    tenant = scorecard.bank_id or "platform"
    return f"scorecard\n{tenant}\n{scorecard.version}\n{scorecard.sha256}\n".encode()


def sign(scorecard: Scorecard) -> str:
    return instance_keys.sign(KEY, _signed(scorecard)).hex()


def load(scorecard: Scorecard) -> dict[str, Any]:
    """Return what a model says.

    :raises ScorecardTampered: if the row was changed since this instance signed it, or is not what the program ships
    """
    is_whole = digest(scorecard.content) == scorecard.sha256
    if is_whole:
        key = instance_keys.private_key(KEY).public_key()
        try:
            key.verify(bytes.fromhex(scorecard.signature), _signed(scorecard))
        except (InvalidSignature, ValueError):
            is_whole = False
    if not is_whole:
        raise ScorecardTampered(
            _(
                "The model “%(name)s” is not as it was taken in: its hash or signature is wrong. Nothing is scored by it."
            )
            % {"name": scorecard}
        )
    return scorecard.content


def add(
    *,
    bank: Organisation | None,
    content: dict[str, Any],
    name: str,
    family: str,
    status: str,
    by: User | None,
    now: datetime,
) -> Scorecard:
    """Write a model into a tenant's registry under the next version, signed."""
    while True:
        newest = Scorecard.objects.of(bank).order_by("-version").values_list("version", flat=True).first()
        row = Scorecard(
            bank=bank,
            name=name,
            version=(newest or 0) + 1,
            family=family,
            content=content,
            sha256=digest(content),
            status=status,
            made_by=by,
            made_at=now,
            served_from=now if status == Scorecard.Status.SERVING else None,
        )
        row.signature = sign(row)
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            # Another took this version (or, of the shipped one, put it there) at the same moment.
            if not Scorecard.objects.of(bank).filter(version=row.version).exists():
                raise
            if by is None and (same := Scorecard.objects.of(bank).filter(sha256=row.sha256).first()):
                return same
            continue
        return row


def platform_scorecard(*, now: datetime) -> Scorecard:
    """Return the platform's model that serves; the first to ask takes in the one that came with the program.

    :raises ScorecardTampered: if the file that came with the program is not the one that its code pins

    A newer one that came with an update rides in shadow: it serves when it has shown that it is better, and two signed.
    """
    serving = Scorecard.objects.of(None).serving().first()
    content = _shipped()
    if serving and (
        content is None or Scorecard.objects.of(None).filter(sha256=digest(content), made_by=None).exists()
    ):
        return serving
    added = add(
        bank=None,
        content=content,
        name=SHIPPED_NAME,
        family=LOGISTIC,
        status=Scorecard.Status.SHADOW if serving else Scorecard.Status.SERVING,
        by=None,
        now=now,
    )
    return serving or added


def _shipped() -> dict[str, Any]:
    try:
        return default_scorecard().to_dict()
    except ScorecardUnreadable as error:
        raise ScorecardTampered(
            _("The model that comes with the program is not as it was released: %(error)s") % {"error": error}
        ) from error


def serving_for(bank: Organisation | None, *, now: datetime) -> Scorecard:
    """Return the model that a tenant's assessments are made with: its own, else the platform's."""
    own = Scorecard.objects.of(bank).serving().first() if bank else None
    return own or platform_scorecard(now=now)
