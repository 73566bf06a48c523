"""What a file really is: its name promises a kind, its content must keep the promise."""

import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from xml.parsers import expat

import filetype
from PIL import Image

LARGEST_FILE = 20 * 1024**2
# More than a photograph has; a picture of a few kilobytes may claim to be larger than the memory.
MOST_PIXELS = 100_000_000
# Of a document that is a ZIP archive within.
MOST_UNPACKED = 200 * 1024**2
MOST_ENTRIES = 5000
LARGEST_RATIO = 300
# Below this a high ratio is only a well-packed sheet.
SMALL_UNPACKED = 5 * 1024**2

TEXT_LIKE_A_PAGE = re.compile(r"^\ufeff?\s*<(!doctype|html|head|body|svg|script|iframe|\?xml)", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# Drawn or run by a browser, whatever the file is called.
ROOTS_OF_PAGES = re.compile(r"^(.*[ :])?(html|svg|xsl:stylesheet|stylesheet|transform)$", re.IGNORECASE)


class ContentDiffers(Exception):  # noqa: N818 - named for the fact
    """The content is not what the name says."""


@dataclass(frozen=True)
class FileKind:
    content_type: str
    check: Callable[[bytes], None]


def _require(is_true: object) -> None:
    if not is_true:
        raise ContentDiffers


def _magic(content: bytes) -> str | None:
    return filetype.guess_mime(content[:8192])


def _pdf(content: bytes) -> None:
    _require(content.startswith(b"%PDF-") and b"%%EOF" in content[-4096:])


def _image(*formats: str) -> Callable[[bytes], None]:
    def check(content: bytes) -> None:
        try:
            with Image.open(io.BytesIO(content), formats=formats) as image:
                _require(image.width * image.height <= MOST_PIXELS)
                image.verify()
        except ContentDiffers:
            raise
        # Pillow tells of broken pictures by errors of many kinds, and of huge ones by a warning or an error.
        except Exception as error:
            raise ContentDiffers from error

    return check


def _heic(content: bytes) -> None:
    _require(_magic(content) in ("image/heic", "image/heif"))


def _archive(*parts: str) -> Callable[[bytes], None]:
    """Take a ZIP archive that has these parts, unpacks to a bearable size and carries nothing that runs."""

    def check(content: bytes) -> None:
        _require(content.startswith(b"PK\x03\x04"))
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = archive.infolist()
                names = {entry.filename for entry in entries}
                _require(set(parts) <= names and len(entries) <= MOST_ENTRIES)
                _require(not any(name.startswith("/") or ".." in name.split("/") for name in names))
                _require(not any(name.lower().endswith(("vbaproject.bin", ".exe", ".dll", ".js")) for name in names))
                _require(_unpacked_size(archive, entries, len(content)))
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError) as error:
            raise ContentDiffers from error

    return check


def _unpacked_size(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], packed: int) -> bool:
    """Unpack and count rather than believe: what the directory says of sizes may be a lie."""
    declared = sum(entry.file_size for entry in entries)
    if declared > MOST_UNPACKED or (declared > SMALL_UNPACKED and declared > LARGEST_RATIO * packed):
        return False
    for entry in entries:
        with archive.open(entry) as part:
            # A longer entry than declared fails by its checksum when read to its declared end.
            while part.read(1024**2):
                pass
    return True


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ContentDiffers


def _text(content: bytes) -> None:
    _require(_magic(content) is None)
    text = _decoded(content)
    _require(not CONTROL.search(text) and not TEXT_LIKE_A_PAGE.match(text))


def _xml(content: bytes) -> None:
    """Take well-formed XML without a document type, which could name entities, and not of a browser's languages."""
    parser = expat.ParserCreate(namespace_separator=" ")
    roots: list[str] = []

    def refuse(*_declared: object) -> None:
        raise ContentDiffers

    def start(name: str, _attributes: object) -> None:
        if not roots:
            roots.append(name)
        if name.startswith("http://www.w3.org/1999/xhtml "):
            raise ContentDiffers

    parser.StartDoctypeDeclHandler = refuse
    parser.ProcessingInstructionHandler = refuse
    parser.StartElementHandler = start
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ContentDiffers from error
    _require(roots and not ROOTS_OF_PAGES.match(roots[0]))


OFFICE = "application/vnd.openxmlformats-officedocument."
KINDS = {
    "pdf": FileKind("application/pdf", _pdf),
    "png": FileKind("image/png", _image("PNG")),
    "jpg": FileKind("image/jpeg", _image("JPEG", "MPO")),
    "jpeg": FileKind("image/jpeg", _image("JPEG", "MPO")),
    "webp": FileKind("image/webp", _image("WEBP")),
    "heic": FileKind("image/heic", _heic),
    "docx": FileKind(OFFICE + "wordprocessingml.document", _archive("[Content_Types].xml", "word/document.xml")),
    "xlsx": FileKind(OFFICE + "spreadsheetml.sheet", _archive("[Content_Types].xml", "xl/workbook.xml")),
    "ofd": FileKind("application/ofd", _archive("OFD.xml")),
    "csv": FileKind("text/csv", _text),
    "txt": FileKind("text/plain", _text),
    "xml": FileKind("application/xml", _xml),
}


def kind_of(name: str) -> FileKind | None:
    """Return the kind that a file's name promises, or None where files of its kind are not taken."""
    _stem, dot, suffix = name.rpartition(".")
    return KINDS.get(suffix.lower()) if dot else None
