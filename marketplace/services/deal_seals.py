"""The key with which this marketplace seals the files it hands out, made once and kept beside the data."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import settings

KEY_FILE = "deal-file.key"


def _key() -> Ed25519PrivateKey:
    folder = Path(settings.DATA_DIR) / "keys"
    path = folder / KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_once(path, Ed25519PrivateKey.generate())
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))


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


def public_key() -> str:
    """Return the public half in hexadecimal, for whoever checks a file to compare."""
    return _key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def seal(text: str) -> dict[str, str]:
    """Return the signature of a text with the key to check it by."""
    return {"algorithm": "Ed25519", "public_key": public_key(), "signature": _key().sign(text.encode()).hex()}
