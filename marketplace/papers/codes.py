"""QR codes: drawn as SVG or PNG, and read from a photograph."""

import io

import segno
import zxingcpp
from PIL import Image, ImageOps

# Longer sides tell the reader nothing more and cost it seconds.
LONGEST_SIDE = 2400
MOST_PIXELS = 100_000_000


class NotAPicture(Exception):  # noqa: N818 - named for the fact
    """The bytes are no picture that can be opened, or one too large."""


def code_of(text: str) -> segno.QRCode:
    """Return the code of a text; a quarter of it may be scratched or dirty, as it gets on a pallet."""
    return segno.make_qr(text, error="q", boost_error=False)


def qr_svg(text: str) -> str:
    """Draw the code of a text as an SVG element that grows with its box.

    >>> qr_svg("LOT-1").startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29"')
    True
    """
    out = io.BytesIO()
    code_of(text).save(out, kind="svg", border=4, xmldecl=False, omitsize=True, nl=False)
    return out.getvalue().decode()


def qr_png(text: str, *, scale: int = 8) -> bytes:
    """Draw the code of a text as a picture, each module ``scale`` pixels wide.

    >>> read_qr(qr_png("LOT-1"))
    ['LOT-1']
    """
    out = io.BytesIO()
    code_of(text).save(out, kind="png", scale=scale, border=4)
    return out.getvalue()


def read_qr(image_bytes: bytes) -> list[str]:
    """Return the texts of all QR codes in a picture, from its top to its bottom.

    :raises NotAPicture: if the bytes are no picture, or one too large to look at
    """
    try:
        with Image.open(io.BytesIO(image_bytes), formats=("PNG", "JPEG", "MPO", "WEBP")) as image:
            is_too_large = image.width * image.height > MOST_PIXELS
            if is_too_large:
                raise NotAPicture  # noqa: TRY301 - before anything is decoded
            image.draft("L", (LONGEST_SIDE, LONGEST_SIDE))
            upright = ImageOps.exif_transpose(image).convert("L")
    except NotAPicture:
        raise
    # Pillow tells of broken pictures by errors of many kinds.
    except Exception as error:
        raise NotAPicture from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    found = zxingcpp.read_barcodes(upright, formats=zxingcpp.BarcodeFormat.QRCode)
    placed = sorted((code.position.top_left.y, code.position.top_left.x, code.text) for code in found)
    return [text for _y, _x, text in placed]
