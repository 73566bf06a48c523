import io

import pytest
from PIL import Image, ImageFilter

from marketplace.papers import qr_png, qr_svg, read_qr
from marketplace.papers.codes import MOST_PIXELS, NotAPicture

LINK = "https://market.example.com/s/0123456789abcdef0123456789abcdef"


def picture(image: Image.Image, kind="JPEG") -> bytes:
    out = io.BytesIO()
    image.save(out, kind, quality=70)
    return out.getvalue()


def photograph(text: str) -> Image.Image:
    """Return a code as it lies askew on a grey table, a little out of focus."""
    code = Image.open(io.BytesIO(qr_png(text))).convert("L").rotate(17, expand=True, fillcolor=255)
    table = Image.new("L", (1600, 1200), 120)
    table.paste(code.resize((500, 500)), (700, 400))
    return table.filter(ImageFilter.GaussianBlur(1.5))


@pytest.mark.parametrize("text", [LINK, "批次/LOT-1", "L" * 200])
def test_a_code_is_read_as_it_was_drawn(text):
    assert read_qr(qr_png(text)) == [text]


def test_a_code_is_read_from_a_photograph():
    assert read_qr(picture(photograph(LINK))) == [LINK]


def test_all_codes_of_a_picture_are_read_from_top_to_bottom():
    sheet = Image.new("L", (600, 1300), 255)
    for place, text in enumerate(["A-1", "A-2"]):
        sheet.paste(Image.open(io.BytesIO(qr_png(text))).convert("L"), (50, 50 + 600 * place))

    assert read_qr(picture(sheet)) == ["A-1", "A-2"]


def test_a_turned_photograph_of_a_phone_is_read():
    image = photograph(LINK)
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)

    assert read_qr(out.getvalue()) == [LINK]


def test_a_picture_without_a_code_has_none():
    assert read_qr(picture(Image.new("L", (300, 300), 200))) == []


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4", qr_png(LINK)[:50], b"<svg/>"])
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(NotAPicture):
        read_qr(content)


def test_a_picture_too_large_is_refused():
    with pytest.raises(NotAPicture):
        read_qr(picture(Image.new("1", (MOST_PIXELS // 9000 + 1, 9000)), "PNG"))


def test_a_code_as_svg_grows_with_its_box_and_runs_nothing():
    svg = qr_svg('"><script>alert(1)</script>')

    assert svg.startswith("<svg ")
    assert "script" not in svg
    assert "width=" not in svg.split(">")[0]
    assert qr_svg(LINK) == qr_svg(LINK)
