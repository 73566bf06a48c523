"""The seal of this marketplace on the files it hands out."""

from marketplace.services import instance_keys

KEY = "deal-file"


def public_key() -> str:
    """Return the public half in hexadecimal, for whoever checks a file to compare."""
    return instance_keys.public_key(KEY)


def seal(text: str) -> dict[str, str]:
    """Return the signature of a text with the key to check it by."""
    signature = instance_keys.sign(KEY, text.encode()).hex()
    return {"algorithm": "Ed25519", "public_key": public_key(), "signature": signature}
