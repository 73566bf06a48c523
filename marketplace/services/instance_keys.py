"""The Ed25519 keys of this instance, each with a name: made once, kept beside the data, readable by its owner alone."""

import hashlib
import os
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings

NAME = re.compile(r"[a-z0-9-]+")


def private_key(name: str) -> Ed25519PrivateKey:
    """Return the key of this name; the first to ask makes it."""
    if not NAME.fullmatch(name):
        raise ValueError(f"A key's name has small letters, digits and hyphens: {name!r}")
    folder = Path(settings.DATA_DIR) / "keys"
    path = folder / f"{name}.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(path, Ed25519PrivateKey.generate())
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))


def public_key(name: str) -> str:
    """Return the public half in hexadecimal, for whoever checks a file to compare."""
    return private_key(name).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def sign(name: str, message: bytes) -> bytes:
    return private_key(name).sign(message)


def secret(name: str, purpose: str) -> bytes:
    """Return 32 bytes that only this instance knows, another for each purpose."""
    seed = private_key(name).private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return hashlib.sha256(purpose.encode() + b"\0" + seed).digest()


def _write_once(path: Path, key: Ed25519PrivateKey) -> None:
    """Write whole or not at all: of two processes that start together, the first decides for both."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{id(key)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
