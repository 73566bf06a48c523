import pytest

from marketplace.parsing.certificates import certificate_code, certificate_name, find_certificates
from marketplace.parsing.folding import fold
from marketplace.parsing.glossary import certificates


def codes_in(text):
    return [certificate.code for certificate in find_certificates(fold(text))]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("ISO9001:2015、CE 认证", ["iso9001", "ce"]), ("IATF16949", ["iatf16949"]), ("需特种设备制造许可证", ["tsg-valve"]), ("3C认证", ["ccc"]),
        ("API 6D, fire safe", ["api6d", "api607"]), ("GMP 和 FDA", ["gmp", "fda"]), ("REACH registered", ["reach"]), ("SGS报告", ["sgs"]),
        ("OEKO-TEX Standard 100", ["oeko-tex100"]), ("EU organic certified", ["organic-eu"]), ("UN38.3 MSDS", ["un38.3", "msds"]),
        ("危化品经营许可证", ["hazchem-licence"]), ("EN 10204 3.1", ["mill-certificate"]), ("ISO 9001 ISO9001", ["iso9001"]),
        ("3C 数码", []), ("once", []), ("CE", []), ("SIL 4", []),
    ],
)  # fmt: skip
def test_find_certificates_gives_each_its_code(text, codes):
    assert codes_in(text) == codes


@pytest.mark.parametrize("entry", certificates().values(), ids=lambda entry: entry.code)
def test_certificate_code_knows_every_spelling_of_the_glossary(entry):
    assert certificate_code(entry.code) == entry.code
    assert {certificate_code(synonym) for synonym in entry.synonyms} == {entry.code}


def test_certificate_code_of_something_unknown_is_none():
    assert certificate_code("奖状") is None
    assert certificate_name("奖状", "zh") == "奖状"
