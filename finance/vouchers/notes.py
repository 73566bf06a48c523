"""Signed notes and checkpoints as C2SP specifies them: signed-note, tlog-checkpoint, tlog-cosignature (version 1).

They are read and checked by ``finance.verify_voucher``; here they are written.
"""

import base64
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from finance.verify_voucher import COSIGNATURE_KEY, NOTE_KEY, cosigned_message, key_id

NAME = re.compile(r"[^\s+]+")


def checkpoint_body(*, origin: str, size: int, root: bytes) -> str:
    """Return what the log signs.

    >>> checkpoint_body(origin="log.example", size=1, root=b"r").split()
    ['log.example', '1', 'cg==']
    """
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def key_text(name: str, public: bytes, *, kind: int) -> str:
    """Return a public key (32 bytes) with its name, as whoever checks keeps it: name+id+base64.

    >>> key_text("log.example", bytes(32), kind=NOTE_KEY)[:20]
    'log.example+f3e73440'
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"A key's name has no space and no plus sign: {name!r}")
    raw = bytes([kind]) + public
    return f"{name}+{key_id(name, raw).hex()}+{base64.b64encode(raw).decode()}"


def sign_note(body: str, *, name: str, key: Ed25519PrivateKey) -> str:
    """Return the line by which the log signs."""
    return _line(name, NOTE_KEY, key, key.sign(body.encode()))


def cosign_note(body: str, *, name: str, key: Ed25519PrivateKey, at: int) -> str:
    """Return the line by which a witness says: at this second (since 1970) I saw this, and it only grew."""
    return _line(name, COSIGNATURE_KEY, key, at.to_bytes(8) + key.sign(cosigned_message(body, at)))


def _line(name: str, kind: int, key: Ed25519PrivateKey, content: bytes) -> str:
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    blob = key_id(name, bytes([kind]) + public) + content
    return f"— {name} {base64.b64encode(blob).decode()}"
