"""Check a deal file with nothing but Python: ``python verify_dealfile.py FILE [--key PUBLIC-KEY]``.

A deal file is a ZIP archive, stored without compression, of ``deal.json``, the papers and attachments that its header
lists, and the seal of the marketplace that exported it. In ``deal.json`` each record is a line; its hash is the
SHA-256 of the hash before it and of the record itself in canonical form (keys sorted, no spaces, UTF-8). So a record
cannot be changed, removed, added or moved without every later hash changing, and the last hash stands in the header.

Exit status 0: nothing was touched. 1: something was, and the first place is named. 2: there is no such file.
"""

import argparse
import hashlib
import io
import json
import struct
import sys
import zipfile

FORMAT = "deal-file/1"
DEAL, SEAL = "deal.json", "seal.json"
HEAD, MIDDLE, TAIL = '{"header":', '"records":[', "]}"


class Broken(Exception):  # noqa: N818 - named for the fact
    """Something in the file is not as it was written."""


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256(content):
    return hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()


def read(archive, whole, entry):
    """Return an entry's bytes as they lie there, even where they do not fit their checksum: then the place is named."""
    try:
        return archive.read(entry)
    except Exception:  # noqa: BLE001 - a changed byte makes the library fail in many ways
        # The sizes of a name and of what follows it stand before them; a place beyond the end has none.
        sizes = whole[entry.header_offset + 26 : entry.header_offset + 30].ljust(4, b"\0")
        name_size, extra_size = struct.unpack("<HH", sizes)
        start = entry.header_offset + 30 + name_size + extra_size
        return whole[start : start + entry.file_size]


def check_records(lines, order):
    """Walk along the chain; return its last hash."""
    previous = sha256(f"{FORMAT}:{order}")
    for sequence, line in enumerate(lines, start=1):
        text = line.removesuffix(",") if sequence < len(lines) else line
        try:
            record = json.loads(text)
            claimed, follows, number = record.pop("hash"), record["previous_hash"], record["sequence"]
            fits_itself = sha256(follows + canonical(record)) == claimed
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Broken(f"Record {sequence} was changed: it cannot be read.") from error
        if number != sequence and fits_itself:
            end = f'"sequence":{sequence}}}'
            is_moved = number < sequence or any(later.removesuffix(",").endswith(end) for later in lines[sequence:])
            what = "moved" if is_moved else "removed"
            raise Broken(f"Record {sequence} was {what}: in its place stands record {number}.")
        if not fits_itself or number != sequence:
            raise Broken(f"Record {sequence} was changed ({record.get('kind')}, {record.get('at')}).")
        if follows != previous:
            # This record is whole, so what it follows is not what stood there when it was written.
            changed = f"Record {sequence - 1}" if sequence > 1 else "The order's number in the header"
            raise Broken(f"{changed} was changed.")
        if text != canonical({**record, "hash": claimed}) or (text == line) != (sequence == len(lines)):
            raise Broken(f"Record {sequence} was changed: it is written otherwise than a deal file writes it.")
        previous = claimed
    return previous


def check_end(count, last, found_count, found_last):
    if found_count < count:
        raise Broken(f"Record {found_count + 1} was removed: the header tells of {count} records.")
    if found_count > count:
        raise Broken(f"Record {count + 1} was added: the header tells of {count} records.")
    if found_last != last:
        raise Broken(f"Record {count} was changed: the header tells of another end of the chain.")


def check_files(archive, whole, files, entries):
    for file in files:
        if file["path"] not in entries:
            raise Broken(f"File {file['path']} was removed.")
        content = read(archive, whole, entries[file["path"]])
        if len(content) != file["size"] or sha256(content) != file["sha256"]:
            raise Broken(f"File {file['path']} was changed.")
    listed = {DEAL, SEAL, *(file["path"] for file in files)}
    for name in entries:
        if name not in listed:
            raise Broken(f"File {name} was added.")


def check_seal(seal, header_text, expected_key):
    """Return a sentence on the signature, which needs more than the standard library."""
    if expected_key and seal["public_key"] != expected_key:
        raise Broken(f"The seal is of another marketplace: its key is {seal['public_key']}.")
    try:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - may not be there
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    except ImportError:
        return "The seal was not checked: that needs the Python package “cryptography”."
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(seal["public_key"]))
        key.verify(bytes.fromhex(seal["signature"]), header_text.encode())
    except (InvalidSignature, ValueError) as error:
        raise Broken("The seal does not fit: the header was changed or sealed by somebody else.") from error
    return f"Sealed with the key {seal['public_key']}."


def pack(contents):
    """Write a deal file from pairs of name and bytes: the same pairs give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def verify(whole, expected_key=""):
    """Return what may be said of an untouched deal file.

    :raises Broken: naming the first record or file that was changed, removed, added or moved
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(whole))
        entries = {entry.filename: entry for entry in archive.infolist()}
        deal, seal_text = (read(archive, whole, entries[name]) for name in (DEAL, SEAL))
    except (zipfile.BadZipFile, KeyError, ValueError, struct.error, NotImplementedError, OSError) as error:
        raise Broken("This is no deal file, or its outer shell was damaged.") from error
    try:
        lines = deal.decode(errors="replace").split("\n")
        header_text = lines[0].removeprefix(HEAD).removesuffix(",")
        header = json.loads(header_text)
        order, count, last, files = (header[name] for name in ("order", "count", "last_hash", "files"))
        paths = [file["path"] for file in files if file["size"] >= 0 and file["sha256"]]
    except (ValueError, KeyError, TypeError) as error:
        raise Broken("The header was changed: it cannot be read.") from error

    records = lines[2:-2]
    check_end(count, last, len(records), check_records(records, order))
    frame = [lines[0], lines[1], *lines[-2:]]
    if frame != [f"{HEAD}{canonical(header)},", MIDDLE, TAIL, ""] or header.get("format") != FORMAT:
        raise Broken("The header was changed: it is written otherwise than a deal file writes it.")
    check_files(archive, whole, files, entries)
    try:
        seal = json.loads(seal_text)
        said = check_seal(seal, header_text, expected_key)
    except (ValueError, KeyError, TypeError) as error:
        raise Broken("The seal was changed: it cannot be read.") from error
    if whole != pack([(name, read(archive, whole, entries[name])) for name in (DEAL, *paths, SEAL)]):
        raise Broken("The header, the seal or the outer shell of the archive was changed, no record and no file.")
    return f"Order {order}: {count} records and {len(files)} files are as they were written. {said}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--key", default="", help="the public key that the marketplace shows, in hexadecimal")
    arguments = parser.parse_args()
    try:
        with open(arguments.file, "rb") as file:  # noqa: PTH123 - as short as it gets
            whole = file.read()
    except OSError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 2
    try:
        print(verify(whole, arguments.key))  # noqa: T201
    except Broken as broken:
        print(broken)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
