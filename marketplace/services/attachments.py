import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused
from marketplace.models import Attachment, AttachmentReader, Organisation, User
from marketplace.parsing.file_kinds import KINDS, LARGEST_FILE, ContentDiffers, kind_of

LONGEST_NAME = 120
SUFFIXES = ", ".join(KINDS)


def clean_name(name: str) -> str:
    """Return a file's name without folders and without what hides its true end, such as marks that turn the writing."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    # Letters that cannot be seen (C*) would let "fdp.exe" read "exe.pdf".
    visible = "".join(char for char in last if not unicodedata.category(char).startswith("C"))
    tidy = re.sub(r"\s+", " ", re.sub(r'[<>:"|?*]', "_", visible)).lstrip().rstrip(" .")
    stem, dot, suffix = tidy.rpartition(".")
    return f"{stem[: LONGEST_NAME - len(suffix) - 1] or 'file'}.{suffix}" if dot else tidy[:LONGEST_NAME]


def _refuse(message: str) -> InputRefused:
    return InputRefused({"file": [message]})


def _keep(path: str, content: bytes) -> None:
    """Write the content under its hash, unless it lies there already; a rest that was cut short is written anew."""
    if default_storage.exists(path):
        if default_storage.size(path) == len(content):
            return
        default_storage.delete(path)
    kept = default_storage.save(path, ContentFile(content))
    if kept != path:
        # Somebody wrote the same content at the same moment.
        default_storage.delete(kept)


@transaction.atomic
def store_attachment(*, upload: File, by: User, readers: Iterable[Organisation], now: datetime) -> Attachment:
    """Check a file and keep it for the members of these organisations.

    :raises InputRefused: if it is empty, too large, of a type that is not taken, or not what its name says
    """
    name = clean_name(upload.name or "")
    kind = kind_of(name)
    if not upload.size:
        raise _refuse(_("The file is empty."))
    if upload.size > LARGEST_FILE:
        raise _refuse(_("The file is larger than %(size)d MB.") % {"size": LARGEST_FILE // 1024**2})
    if kind is None:
        raise _refuse(_("Files of this type are not taken. These are: %(types)s.") % {"types": SUFFIXES})
    upload.seek(0)
    content = upload.read()
    try:
        kind.check(content)
    except ContentDiffers as error:
        raise _refuse(_("The content of “%(name)s” is not what its name says.") % {"name": name}) from error
    return keep_attachment(
        name=name, content_type=kind.content_type, content=content, by=by, readers=readers, now=now
    )


@transaction.atomic
def keep_attachment(
    *, name: str, content_type: str, content: bytes, by: User, readers: Iterable[Organisation], now: datetime
) -> Attachment:
    """Keep a file that the caller checked: of a kind or size that ``store_attachment`` does not take."""
    attachment = Attachment.objects.create(
        name=name,
        content_type=content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_by=by,
        created_at=now,
    )
    _keep(attachment.path, content)
    share_attachment(attachment=attachment, readers=readers)
    return attachment


@transaction.atomic
def store_attachments(
    *, uploads: Iterable[File], by: User, readers: Iterable[Organisation], now: datetime
) -> list[Attachment]:
    """Keep several files, or none of them if one is refused; refuses what ``store_attachment`` refuses."""
    readers = list(readers)
    return [store_attachment(upload=upload, by=by, readers=readers, now=now) for upload in uploads]


@transaction.atomic
def share_attachment(
    *, attachment: Attachment, readers: Iterable[Organisation], with_operator: bool = False
) -> Attachment:
    """Let these organisations read a file as well, and the platform operator if asked (evidence in a dispute)."""
    rows = [AttachmentReader(attachment=attachment, organisation=reader) for reader in readers]
    AttachmentReader.objects.bulk_create(rows, ignore_conflicts=True)
    if with_operator and not attachment.is_shown_to_operator:
        attachment.is_shown_to_operator = True
        attachment.save(update_fields=["is_shown_to_operator"])
    return attachment


def open_content(attachment: Attachment) -> File:
    return default_storage.open(attachment.path)


def read_content(attachment: Attachment) -> bytes:
    with open_content(attachment) as file:
        return file.read()
