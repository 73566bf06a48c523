"""Issue and present statements of which the holder shows what it likes: SD-JWT, RFC 9901.

Checking is in ``finance.verify_voucher``, which a stranger runs alone. JSON is written as the RFC's examples write it
(a space after each comma and colon), so that they come out byte for byte.
"""

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from finance.verify_voucher import digest, ed25519_jwk, from_base64url

PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey


class Hidden(NamedTuple):
    """A value that is only seen if its holder discloses it: a claim of a mapping, or an item of a list."""

    value: Any


class Concealed(NamedTuple):
    payload: dict[str, Any]
    disclosures: list[str]


def encode(value: object) -> str:
    """Return JSON in base64url.

    >>> encode(["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"])
    'WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0'
    """
    return _base64url(json.dumps(value, ensure_ascii=False).encode())


def conceal(claims: Mapping[str, Any], *, salt: Callable[[], str]) -> Concealed:
    """Return the claims with a digest in place of each ``Hidden`` one, and the disclosures in the order met.

    ``salt`` gives 128 random bits in base64url each time. Digests are sorted, so their order says nothing.

    >>> hidden = conceal({"grade": Hidden("A"), "year": 2026}, salt=lambda: "salt")
    >>> hidden.payload
    {'_sd': ['dQrVudVXmiHQAWorcfXjTzhTcwpykmD_hMBWxIU_cGw'], 'year': 2026}
    """
    disclosures: list[str] = []

    def hide(*content: Any) -> str:
        disclosures.append(encode([salt(), *content]))
        return digest(disclosures[-1])

    def walk(value: Any) -> Any:
        if isinstance(value, Mapping):
            hidden = {name: hide(name, walk(inner.value)) for name, inner in _hidden_first(value)}
            plain = {name: walk(inner) for name, inner in value.items() if name not in hidden}
            return {"_sd": sorted(hidden.values()), **plain} if hidden else plain
        if isinstance(value, list):
            return [{"...": hide(walk(one.value))} if isinstance(one, Hidden) else walk(one) for one in value]
        return value

    return Concealed(walk(claims), disclosures)


def _hidden_first(claims: Mapping[str, Any]) -> list[tuple[str, Hidden]]:
    return [(name, value) for name, value in claims.items() if isinstance(value, Hidden)]


def sign(payload: Mapping[str, Any], *, key: PrivateKey, kind: str) -> str:
    """Return a compact JWS of this type (``typ``), by EdDSA or ES256 as the key is."""
    algorithm = "EdDSA" if isinstance(key, Ed25519PrivateKey) else "ES256"
    message = f"{encode({'alg': algorithm, 'typ': kind})}.{encode(payload)}"
    if isinstance(key, Ed25519PrivateKey):
        signature = key.sign(message.encode())
    else:
        r, s = decode_dss_signature(key.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32) + s.to_bytes(32)
    return f"{message}.{_base64url(signature)}"


def issue(
    claims: Mapping[str, Any],
    *,
    key: PrivateKey,
    holder: Mapping[str, str],
    kind: str,
    salt: Callable[[], str],
) -> tuple[str, list[str]]:
    """Return the issuer's signed token, bound to the holder's key (a JWK), and the disclosures for the holder to keep."""
    concealed = conceal(claims, salt=salt)
    payload = {**concealed.payload, "_sd_alg": "sha-256", "cnf": {"jwk": dict(holder)}}
    return sign(payload, key=key, kind=kind), concealed.disclosures


class Shown(NamedTuple):
    """A disclosure read: where it belongs is told by the digest alone; an item of a list has no name."""

    encoded: str
    name: str | None
    value: Any


def read_disclosure(encoded: str) -> Shown:
    content = json.loads(from_base64url(encoded))
    return Shown(encoded, content[1] if len(content) == 3 else None, content[-1])


def present(
    signed: str,
    disclosures: Sequence[str],
    *,
    key: PrivateKey,
    audience: str,
    nonce: str,
    at: int,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """Return token, chosen disclosures and the holder's signature over them for one audience: RFC 9901, 4.3.

    ``at`` is in seconds since 1970; ``extra`` claims are signed with the rest.
    """
    shown = "".join([f"{signed}~", *(f"{one}~" for one in disclosures)])
    bound = {"nonce": nonce, "aud": audience, "iat": at, "sd_hash": digest(shown), **(extra or {})}
    return shown + sign(bound, key=key, kind="kb+jwt")


def needed(disclosures: Sequence[str], chosen: Collection[str]) -> list[str]:
    """Return the chosen disclosures in the order of issue, with those inside which a chosen one stands."""
    wanted, known_by = set(chosen), {digest(one) for one in chosen}
    # What stands inside another was issued before it.
    for encoded in disclosures:
        if known_by & _digests(encoded):
            wanted.add(encoded)
            known_by.add(digest(encoded))
    return [one for one in disclosures if one in wanted]


def _digests(encoded: str) -> set[str]:
    def walk(value: Any) -> set[str]:
        if isinstance(value, dict):
            inner = set(value.get("_sd", [])) | ({value["..."]} if "..." in value else set())
            return inner.union(*(walk(one) for one in value.values()))
        return set().union(*(walk(one) for one in value)) if isinstance(value, list) else set()

    return walk(read_disclosure(encoded).value)


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    return ed25519_jwk(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
