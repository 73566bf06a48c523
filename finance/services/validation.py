"""Sign a validation pack with this instance's key, and check that one was signed and not changed since."""

import json
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from finance.scoring.pack import FORMAT, canonical
from finance.services import validation_report
from marketplace.services import instance_keys

KEY = "validation"
PACK = "pack.json"
LANGUAGES = {"zh": "zh-hans", "en": "en"}


class PackUnreadable(ValueError):  # noqa: N818 - named for the fact
    """The file is no validation pack, or was changed after it was signed."""


def seal_pack(*, sections: dict, files: list[dict], code: dict, made_at: datetime) -> dict:
    """Return the pack with its signature."""
    pack = {
        "format": FORMAT,
        "made_at": made_at.isoformat(timespec="seconds"),
        "code": code,
        "data": files,
        "sections": sections,
    }
    signature = instance_keys.sign(KEY, canonical(pack).encode()).hex()
    seal = {"algorithm": "Ed25519", "public_key": instance_keys.public_key(KEY), "signature": signature}
    return {"pack": pack, "seal": seal}


def write_pack(document: dict, folder: Path) -> list[Path]:
    """Write the pack and what people read of it, in both languages, as HTML and PDF; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / PACK]
    written[0].write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for short, language in LANGUAGES.items():
        page, paper = folder / f"report.{short}.html", folder / f"report.{short}.pdf"
        page.write_text(validation_report.html(document, language), encoding="utf-8")
        paper.write_bytes(validation_report.pdf(document, language))
        written += [page, paper]
    return written


def read_pack(path: Path, *, key: str | None = None) -> dict:
    """Return the signed document of a file or folder.

    :param key: the public key that it must be signed with, in hexadecimal; without it the one that the pack names
    :raises PackUnreadable: if it is none, was changed, or was signed by another key
    """
    path = path / PACK if path.is_dir() else path
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        pack, seal = document["pack"], document["seal"]
        public, signature = bytes.fromhex(seal["public_key"]), bytes.fromhex(seal["signature"])
        if pack["format"] != FORMAT:
            raise PackUnreadable(f"{path} is of the format {pack['format']}, not {FORMAT}.")
        if key is not None and seal["public_key"] != key.lower():
            raise PackUnreadable(f"{path} was signed by another key: {seal['public_key']}.")
        Ed25519PublicKey.from_public_bytes(public).verify(signature, canonical(pack).encode())
    except InvalidSignature as error:
        raise PackUnreadable(f"{path} was changed after it was signed.") from error
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, PackUnreadable):
            raise
        raise PackUnreadable(f"{path} is no validation pack: {error}") from error
    return document
