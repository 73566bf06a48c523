from django import forms
from django.utils.functional import lazy
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from marketplace.parsing.file_kinds import KINDS, LARGEST_FILE

MOST_FILES = 10


def _what_may_come() -> str:
    text = gettext("PDF, pictures, DOCX, XLSX, CSV, TXT, XML or OFD, up to %(size)d MB each.")
    return text % {"size": LARGEST_FILE // 1024**2}


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once; what each of them is, ``store_attachments`` looks at."""

    default_error_messages = {
        "too_many": ngettext_lazy("At most %(count)d file at a time.", "At most %(count)d files at a time.", "count")
    }

    def __init__(self, **options):
        accept = ",".join(f".{suffix}" for suffix in KINDS)
        options.setdefault("label", _("Files"))
        options.setdefault("required", False)
        options.setdefault("widget", FilesInput(attrs={"accept": accept}))
        # A lazy text with a number put into it is lazy no more: forms would keep the language of their first import.
        options.setdefault("help_text", lazy(_what_may_come, str)())
        # An empty file is refused by the service, as in the API.
        super().__init__(allow_empty_file=True, **options)

    def clean(self, data, initial=None):
        files = list(data) if isinstance(data, list | tuple) else [data] if data else []
        if not files:
            super().clean(None, initial)
            return []
        if len(files) > MOST_FILES:
            raise forms.ValidationError(self.error_messages["too_many"], code="too_many", params={"count": MOST_FILES})
        return [super(FilesField, self).clean(file, initial) for file in files]
