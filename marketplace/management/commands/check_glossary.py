from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from marketplace.parsing.folding import fold
from marketplace.parsing.glossary_check import Glossary
from marketplace.parsing.normal_form import codes_and_terms, normalise
from marketplace.parsing.terms import PINYIN, files_of, glossary_files, terms_in, written_pinyin


class Command(BaseCommand):
    help = "Say what is wrong in glossary files, line by line, or what a sentence becomes."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("paths", nargs="*", type=Path, metavar="FILE", help="files or folders; none: those in use")
        parser.add_argument("--text", help="show the codes and words found in this sentence, and its normal form")
        parser.add_argument("--pinyin", type=Path, metavar="FOLDER", help=f"write what FOLDER/{PINYIN} lacks")

    def handle(self, *, paths, text, pinyin, **_options):
        if text is not None:
            self._show(text)
        elif pinyin is not None:
            self.stdout.write(f"{pinyin / PINYIN}: {write_pinyin(pinyin)} words")
        else:
            self._check(paths)

    def _show(self, text):
        folded = fold(text)
        found_codes, found_terms = codes_and_terms(folded)
        for code in found_codes:
            self.stdout.write(f"{folded.text[code.start : code.end]} -> {code.token} ({code.kind})")
        for found in found_terms:
            term = found.value
            self.stdout.write(f"{found.phrase} -> {term.token} ({term.kind}, {term.file} line {term.line})")
        self.stdout.write(normalise(text))

    def _check(self, paths):
        glossary = Glossary()
        # A file that is not in use yet is held to what is.
        in_use = [path for path in glossary_files() if path.suffix == ".tsv"]
        asked = [file for path in paths for file in (files_of(path) if path.is_dir() else [path])] or in_use
        known = {path.resolve() for path in asked}
        for path in in_use:
            if path.resolve() not in known:
                glossary.take(path)
        before = len(glossary.terms)
        faults = [fault for path in asked for fault in glossary.take(path)]
        for fault in faults:
            self.stdout.write(str(fault))
        if faults:
            raise CommandError(f"{len(faults)} faults in {len(asked)} files")
        self.stdout.write(f"{len(asked)} files, {len(glossary.terms) - before} terms, no fault")


def write_pinyin(folder: Path) -> int:
    """Write the pinyin of the folder's Chinese words that have none yet; what a person corrected stays.

    :raises CommandError: if pypinyin is not installed: nothing but this command needs it
    """
    try:
        from pypinyin import lazy_pinyin  # noqa: PLC0415 (half a second, and only who extends a glossary has it)
    except ImportError as error:
        raise CommandError("Install pypinyin first: pip install pypinyin") from error
    written = written_pinyin(folder)
    for term in terms_in(folder):
        for spelling in term.zh:
            if len(spelling.text) > 1 and all("\u4e00" <= each <= "\u9fff" for each in spelling.text):
                reading = " ".join(lazy_pinyin(spelling.text)).replace("ü", "v")
                written.setdefault(spelling.text, reading)
    remark = "# What each Chinese word is in pinyin, written by `manage.py check_glossary --pinyin`; a line may be corrected, or emptied where the letters are another word."
    lines = [remark, *(f"{word}\t{reading}" for word, reading in sorted(written.items()))]
    (folder / PINYIN).write_text("\n".join(lines) + "\n", "utf-8")
    return len(written)
