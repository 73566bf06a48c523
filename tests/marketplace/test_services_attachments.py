import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from PIL import Image

from config.errors import InputRefused
from marketplace.models import Attachment, AttachmentReader
from marketplace.papers import Paper
from marketplace.parsing.file_kinds import KINDS, LARGEST_FILE
from marketplace.services import attachments
from tests.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db
EXE = b"MZ\x90\x00\x03" + b"\x00" * 200
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def picture(kind="PNG", size=(8, 8)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind)
    return out.getvalue()


def archive(*names, content=b"<x/>") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in names:
            made.writestr(name, content)
    return out.getvalue()


@pytest.fixture(scope="module")
def pdf():
    return Paper("质检单", "zh").paragraph("合格").pdf()


DOCX = ("[Content_Types].xml", "word/document.xml")
XLSX = ("[Content_Types].xml", "xl/workbook.xml")
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + b"\x00" * 64
GOOD = {
    "a.png": picture(),
    "a.JPG": picture("JPEG"),
    "a.jpeg": picture("JPEG"),
    "a.webp": picture("WEBP"),
    "a.heic": HEIC,
    "a.docx": archive(*DOCX),
    "a.xlsx": archive(*XLSX),
    "a.ofd": archive("OFD.xml", "Doc_0/Document.xml"),
    "a.csv": "品名,数量\n球阀,500\n".encode("gb18030"),
    "a.txt": "合格证 no. 1\n".encode(),
    "a.xml": '<?xml version="1.0" encoding="utf-8"?><发票 号="1"/>'.encode(),
}
BAD = {
    "exe.pdf": EXE,
    "cut.pdf": b"%PDF-1.7 and nothing more",
    "svg.svg": SVG,
    "svg.png": SVG,
    "svg.xml": SVG,
    "svg.txt": SVG,
    "page.html": b"<html></html>",
    "page.txt": b"\xef\xbb\xbf  <!DOCTYPE html><html>",
    "page.xml": b'<html xmlns="http://www.w3.org/1999/xhtml"/>',
    "within.xml": b'<a><s:script xmlns:s="http://www.w3.org/1999/xhtml">alert(1)</s:script></a>',
    "style.xml": b'<?xml-stylesheet href="a.xsl"?><a/>',
    "entities.xml": b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]><a>&d;</a>',
    "broken.xml": b"<a><b></a>",
    "exe.txt": EXE,
    "binary.csv": b"a,b\x00\x01\n",
    "png.jpg": picture(),
    "cut.png": picture()[:40],
    "text.docx": b"not a zip",
    "xlsx.docx": archive(*XLSX),
    "macro.docx": archive(*DOCX, "word/vbaProject.bin"),
    "climbs.docx": archive(*DOCX, "../../etc/passwd"),
    "bomb.xlsx": archive(*XLSX, content=b"\x00" * 30 * 1024**2),
    "nothing": b"x",
    "script.sh": b"#!/bin/sh",
    "twice.pdf.exe": b"%PDF-1.7",
}


def store(name, content, *, now, by=None, readers=()):
    upload = SimpleUploadedFile(name, content)
    return attachments.store_attachment(upload=upload, by=by or UserFactory(), readers=readers, now=now)


@pytest.mark.parametrize("name", GOOD)
def test_store_attachment_keeps_what_is_what_it_says(name, now):
    kept = store(name, GOOD[name], now=now)

    assert kept.content_type == KINDS[name.rsplit(".", 1)[1].lower()].content_type
    assert attachments.read_content(kept) == GOOD[name]


def test_store_attachment_keeps_a_pdf(pdf, now):
    assert store("a.pdf", pdf, now=now).content_type == "application/pdf"


@pytest.mark.parametrize("name", BAD)
def test_store_attachment_refuses_what_it_does_not_take_or_what_is_something_else(name, now, settings):
    with pytest.raises(InputRefused) as refused:
        store(name, BAD[name], now=now)

    assert list(refused.value.errors) == ["file"]
    assert Attachment.objects.count() == 0
    assert not Path(settings.MEDIA_ROOT).exists()


def test_store_attachment_refuses_empty_and_large_files(now):
    for content in (b"", b"x" * (LARGEST_FILE + 1)):
        with pytest.raises(InputRefused):
            store("a.txt", content, now=now)


def test_store_attachment_refuses_an_archive_that_lies_of_its_size(now):
    content = bytearray(archive(*DOCX, content=b"a" * 5000))
    place = content.rindex(b"PK\x01\x02")
    content[place + 24 : place + 28] = (10).to_bytes(4, "little")

    with pytest.raises(InputRefused):
        store("a.docx", bytes(content), now=now)


def test_store_attachment_keeps_the_same_content_once(now, settings):
    first = store("a.txt", b"same", now=now)
    second = store("b.txt", b"same", now=now)

    assert first.path == second.path
    assert len([file for file in Path(settings.MEDIA_ROOT).rglob("*") if file.is_file()]) == 1


def test_store_attachment_mends_a_file_that_was_cut_short(now, settings):
    first = store("a.txt", b"same", now=now)
    (Path(settings.MEDIA_ROOT) / first.path).write_bytes(b"sa")

    second = store("a.txt", b"same", now=now)

    assert attachments.read_content(second) == b"same"


def test_store_attachments_keeps_all_or_none(now):
    uploads = [SimpleUploadedFile("a.txt", b"a"), SimpleUploadedFile("b.exe", EXE)]

    with pytest.raises(InputRefused):
        attachments.store_attachments(uploads=uploads, by=UserFactory(), readers=[], now=now)

    assert Attachment.objects.count() == 0


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\报价\\合同 .txt", "合同 .txt"),
        ("invoice\u202efdp.txt", "invoicefdp.txt"),
        ('a<b>"c"?.txt', "a_b__c__.txt"),
        ("x" * 300 + ".txt", "x" * 116 + ".txt"),
        (".txt", "file.txt"),
        ("two\nlines.txt", "twolines.txt"),
    ],
)
def test_names_are_cleaned(given, clean):
    assert attachments.clean_name(given) == clean


def test_attachments_are_readable_by_members_of_the_named_organisations(now):
    trader, reader, stranger, operator = (UserFactory(is_staff=place == 3) for place in range(4))
    own, other = OrganisationFactory(members=[trader]), OrganisationFactory(members=[reader])
    kept = store("a.txt", b"a", now=now, by=trader, readers=[own])

    def readable_by(user):
        return list(Attachment.objects.readable_by(user)) == [kept]

    before = [readable_by(user) for user in (trader, reader, stranger, operator)]
    attachments.share_attachment(attachment=kept, readers=[other, own])
    shared = [readable_by(user) for user in (trader, reader, stranger, operator)]
    attachments.share_attachment(attachment=kept, readers=[], with_operator=True)

    assert before == [True, False, False, False]
    assert shared == [True, True, False, False]
    assert [readable_by(user) for user in (stranger, operator)] == [False, True]


def test_attachments_are_attachable_for_the_organisation_whose_member_uploaded_them(now):
    trader, colleague, reader = UserFactory(), UserFactory(), UserFactory()
    own, other = OrganisationFactory(members=[trader, colleague]), OrganisationFactory(members=[reader])
    kept = store("a.txt", b"a", now=now, by=trader, readers=[own, other])

    def attachable(user, organisation):
        return list(Attachment.objects.attachable_by(user, organisation)) == [kept]

    assert [attachable(colleague, own), attachable(reader, other)] == [True, False]


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"size": 0}, "attachment_is_not_empty"),
        ({"name": ""}, "attachment_has_a_name"),
        ({"sha256": "x"}, "attachment_is_known_by_its_hash"),
    ],
)
def test_attachment_rules_are_the_databases(changes, constraint, now):
    kept = store("a.txt", b"a", now=now)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Attachment.objects.filter(pk=kept.pk).update(**changes)


def test_attachment_readers_are_named_once(now):
    own = OrganisationFactory()
    kept = store("a.txt", b"a", now=now, readers=[own])

    with pytest.raises(IntegrityError, match="attachment_reader_once"), transaction.atomic():
        AttachmentReader.objects.create(attachment=kept, organisation=own)
