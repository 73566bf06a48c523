from django.utils import translation

from marketplace.forms.files import FilesField


def test_files_field_says_what_may_come_in_the_language_of_each_reader():
    field = FilesField()

    with translation.override("zh-hans"):
        assert "每个不超过 20 MB" in str(field.help_text)
    with translation.override("en"):
        assert "up to 20 MB each" in str(field.help_text)
