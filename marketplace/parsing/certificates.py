"""Certificates named in a text, as the one code the platform uses for each."""

import re
from dataclasses import dataclass
from functools import cache

from marketplace.parsing.folding import Folded, fold
from marketplace.parsing.glossary import Entry, certificates
from marketplace.parsing.phrases import PhraseBook

# CE in "once" cannot match (whole words), but these short words mean other things without a word of proof near them.
_NEEDS_PROOF = frozenset({"ce", "ul", "sc", "sil", "brc", "kc", "eac", "ccs", "cma", "coa", "tuv", "dmf", "ped", "3c", "adr", "nop", "pse", "bci", "rcs", "grs", "sds", "cep", "mtc"})  # fmt: skip
_PROOF = re.compile(
    r"认证|证书|资质|许可|报告|检测|合格|符合|要求|标准|注册|备案|齐全|certif|approv|compli|mark|regist|licen|report|with|require|standard"
)
_NEVER_AFTER = re.compile(r"[ ]?(?:检测服务|认证服务|代办|咨询|testing service|consult)")
# 16949 and 9001 with a year or parts after them are the same system.
_EDITION = re.compile(r"[:-]?(?:19|20)\d\d|:\d{4}")


@dataclass(frozen=True, slots=True)
class CertificateMention:
    """A certificate named at folded text[start:end]."""

    code: str
    zh: str
    en: str
    start: int
    end: int


@cache
def _book() -> PhraseBook[Entry]:
    phrases: dict[str, Entry] = {}
    for entry in certificates().values():
        for spelling in (entry.code, *entry.synonyms):
            plain = fold(spelling).text
            for variant in {plain, plain.replace(" ", ""), plain.replace("-", " ")}:
                phrases.setdefault(variant, entry)
    return PhraseBook(phrases)


def find_certificates(folded: Folded) -> list[CertificateMention]:
    """Return the certificates of the text in its order, each once; claims nothing, for 3C and API 6D describe goods too.

    >>> [certificate.code for certificate in find_certificates(fold("需 ISO9001:2015、CE 认证"))]
    ['iso9001', 'ce']
    """
    text = folded.text
    found: dict[str, CertificateMention] = {}
    for hit in _book().find(text):
        entry = hit.value
        if _NEVER_AFTER.match(text, hit.end):
            continue
        if hit.phrase in _NEEDS_PROOF and not _PROOF.search(text[max(0, hit.start - 16) : hit.end + 16]):
            continue
        if entry.code not in found:
            edition = _EDITION.match(text, hit.end)
            found[entry.code] = CertificateMention(
                entry.code, entry.zh, entry.en, hit.start, edition.end() if edition else hit.end
            )
    return list(found.values())


def certificate_code(text: str) -> str | None:
    """Return the code of the certificate that a short text names, or None if it is unknown.

    >>> certificate_code("ISO 9001:2015"), certificate_code("TS认证"), certificate_code("3C"), certificate_code("奖状")
    ('iso9001', 'tsg-valve', 'ccc', None)
    """
    folded = fold(text)
    plain = _EDITION.sub("", folded.text).strip()
    for spelling in (folded.text, plain, plain.replace(" ", "")):
        if (entry := _book().get(spelling)) is not None:
            return entry.code
    found = find_certificates(folded)
    return found[0].code if len(found) == 1 else None


def certificate_name(code: str, language: str) -> str:
    """Return what a certificate is called, or its code if nobody here knows it.

    >>> certificate_name("iso9001", "en")
    'ISO 9001 quality management'
    """
    entry = certificates().get(code)
    return code if entry is None else entry.zh if language.startswith("zh") else entry.en
