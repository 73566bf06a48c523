"""SD-JWT against the worked examples of RFC 9901, byte for byte (sections 4.2, 5 and 6, keys of appendix A.5)."""

import base64
import json
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from finance.verify_voucher import Broken, check_presentation, digest, fits, read_jws, reveal
from finance.vouchers.sd_jwt import (
    Hidden,
    conceal,
    encode,
    issue,
    needed,
    present,
    public_jwk,
    read_disclosure,
    sign,
)

ISSUER = {
    "kty": "EC",
    "crv": "P-256",
    "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
    "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
}
HOLDER = {
    "kty": "EC",
    "crv": "P-256",
    "x": "TCAER19Zvu3OHF4j4W4vfSVoHIP1ILilDls7vCeGemc",
    "y": "ZxjiWWbZMQGHVWKVQ4hbSIirsVfuecCE6t4jT9F2HZQ",
}
SALTS = [
    "2GLC42sKQveCfGfryNRN9w",
    "eluV5Og3gSNII8EYnsxA_A",
    "6Ij7tM-a5iVPGboS5tmvVA",
    "eI8ZWm9QnKPpNPeNenHdhQ",
    "Qg_O64zqAxe412a108iroA",
    "AJx-095VPrpTtN4QMOqROA",
    "Pc33JM2LchcU_lHggv_ufQ",
    "G02NSrQfjFXQ7Io09syajA",
    "lklxF5jMYlGTPUovMNIvCA",
    "nPuoQnkRFq3BIeAm7AnXFA",
]
ADDRESS = {"street_address": "123 Main St", "locality": "Anytown", "region": "Anystate", "country": "US"}
# Section 5.1: claim, disclosure, its digest.
DISCLOSED = [
    (
        "given_name",
        "WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd",
        "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
    ),
    (
        "family_name",
        "WyJlbHVWNU9nM2dTTklJOEVZbnN4QV9BIiwgImZhbWlseV9uYW1lIiwgIkRvZSJd",
        "TGf4oLbgwd5JQaHyKVQZU9UdGE0w5rtDsrZzfUaomLo",
    ),
    (
        "email",
        "WyI2SWo3dE0tYTVpVlBHYm9TNXRtdlZBIiwgImVtYWlsIiwgImpvaG5kb2VAZXhhbXBsZS5jb20iXQ",
        "JzYjH4svliH0R3PyEMfeZu6Jt69u5qehZo7F7EPYlSE",
    ),
    (
        "phone_number",
        "WyJlSThaV205UW5LUHBOUGVOZW5IZGhRIiwgInBob25lX251bWJlciIsICIrMS0yMDItNTU1LTAxMDEiXQ",
        "PorFbpKuVu6xymJagvkFsFXAbRoc2JGlAUA2BA4o7cI",
    ),
    (
        "phone_number_verified",
        "WyJRZ19PNjR6cUF4ZTQxMmExMDhpcm9BIiwgInBob25lX251bWJlcl92ZXJpZmllZCIsIHRydWVd",
        "XQ_3kPKt1XyX7KANkqVR6yZ2Va5NrPIvPYbyMvRKBMM",
    ),
    (
        "address",
        "WyJBSngtMDk1VlBycFR0TjRRTU9xUk9BIiwgImFkZHJlc3MiLCB7InN0cmVldF9hZGRyZXNzIjogIjEyMyBNYWluIFN0IiwgImxvY2FsaXR5IjogIkFueXRvd24iLCAicmVnaW9uIjogIkFueXN0YXRlIiwgImNvdW50cnkiOiAiVVMifV0",
        "XzFrzwscM6Gn6CJDc6vVK8BkMnfG8vOSKfpPIZdAfdE",
    ),
    (
        "birthdate",
        "WyJQYzMzSk0yTGNoY1VfbEhnZ3ZfdWZRIiwgImJpcnRoZGF0ZSIsICIxOTQwLTAxLTAxIl0",
        "gbOsI4Edq2x2Kw-w5wPEzakob9hV1cRD0ATN3oQL9JM",
    ),
    (
        "updated_at",
        "WyJHMDJOU3JRZmpGWFE3SW8wOXN5YWpBIiwgInVwZGF0ZWRfYXQiLCAxNTcwMDAwMDAwXQ",
        "CrQe7S5kqBAHt-nMYXgc6bdt2SH5aTY1sU_M-PgkjPI",
    ),
    (None, "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIlVTIl0", "pFndjkZ_VCzmyTa6UjlZo3dh-ko8aIKQc9DlGzhaVYo"),
    (None, "WyJuUHVvUW5rUkZxM0JJZUFtN0FuWEZBIiwgIkRFIl0", "7Cf6JkPudry3lcbwHgeZ8khAv1U1OSlerP0VkBJrWZ0"),
]
SIGNED = (
    "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImV4YW1wbGUrc2Qtand0In0.eyJfc2QiOiBb"
    "IkNyUWU3UzVrcUJBSHQtbk1ZWGdjNmJkdDJTSDVhVFkxc1VfTS1QZ2tqUEkiLCAiSnpZ"
    "akg0c3ZsaUgwUjNQeUVNZmVadTZKdDY5dTVxZWhabzdGN0VQWWxTRSIsICJQb3JGYnBL"
    "dVZ1Nnh5bUphZ3ZrRnNGWEFiUm9jMkpHbEFVQTJCQTRvN2NJIiwgIlRHZjRvTGJnd2Q1"
    "SlFhSHlLVlFaVTlVZEdFMHc1cnREc3JaemZVYW9tTG8iLCAiWFFfM2tQS3QxWHlYN0tB"
    "TmtxVlI2eVoyVmE1TnJQSXZQWWJ5TXZSS0JNTSIsICJYekZyendzY002R242Q0pEYzZ2"
    "Vks4QmtNbmZHOHZPU0tmcFBJWmRBZmRFIiwgImdiT3NJNEVkcTJ4Mkt3LXc1d1BFemFr"
    "b2I5aFYxY1JEMEFUTjNvUUw5Sk0iLCAianN1OXlWdWx3UVFsaEZsTV8zSmx6TWFTRnpn"
    "bGhRRzBEcGZheVF3TFVLNCJdLCAiaXNzIjogImh0dHBzOi8vaXNzdWVyLmV4YW1wbGUu"
    "Y29tIiwgImlhdCI6IDE2ODMwMDAwMDAsICJleHAiOiAxODgzMDAwMDAwLCAic3ViIjog"
    "InVzZXJfNDIiLCAibmF0aW9uYWxpdGllcyI6IFt7Ii4uLiI6ICJwRm5kamtaX1ZDem15"
    "VGE2VWpsWm8zZGgta284YUlLUWM5RGxHemhhVllvIn0sIHsiLi4uIjogIjdDZjZKa1B1"
    "ZHJ5M2xjYndIZ2VaOGtoQXYxVTFPU2xlclAwVmtCSnJXWjAifV0sICJfc2RfYWxnIjog"
    "InNoYS0yNTYiLCAiY25mIjogeyJqd2siOiB7Imt0eSI6ICJFQyIsICJjcnYiOiAiUC0y"
    "NTYiLCAieCI6ICJUQ0FFUjE5WnZ1M09IRjRqNFc0dmZTVm9ISVAxSUxpbERsczd2Q2VH"
    "ZW1jIiwgInkiOiAiWnhqaVdXYlpNUUdIVldLVlE0aGJTSWlyc1ZmdWVjQ0U2dDRqVDlG"
    "MkhaUSJ9fX0.MczwjBFGtzf-6WMT-hIvYbkb11NrV1WMO-jTijpMPNbswNzZ87wY2uHz"
    "-CXo6R04b7jYrpj9mNRAvVssXou1iw"
)
# Section 5.2: the holder's signature over four disclosures.
BINDING = (
    "eyJhbGciOiAiRVMyNTYiLCAidHlwIjogImtiK2p3dCJ9.eyJub25jZSI6ICIxMjM0NTY3ODkwIiwgImF1ZCI6ICJodHRwczovL3ZlcmlmaWVy"
    "LmV4YW1wbGUub3JnIiwgImlhdCI6IDE3NDg1MzcyNDQsICJzZF9oYXNoIjogIjBfQWYtMkItRWhMV1g1eWRoX3cyeHp3bU82aU02NkJfMlFDRWFu"
    "STRmVVkifQ.T3SIus2OidNl41nmVkTZVCKKhOAX97aOldMyHFiYjHm261eLiJ1YiuONFiMN8QlCmYzDlBLAdPvrXh52KaLgUQ"
)


def example_claims():
    return {
        "iss": "https://issuer.example.com",
        "iat": 1683000000,
        "exp": 1883000000,
        "sub": "user_42",
        "given_name": Hidden("John"),
        "family_name": Hidden("Doe"),
        "email": Hidden("johndoe@example.com"),
        "phone_number": Hidden("+1-202-555-0101"),
        "phone_number_verified": Hidden(True),
        "address": Hidden(ADDRESS),
        "birthdate": Hidden("1940-01-01"),
        "updated_at": Hidden(1570000000),
        "nationalities": [Hidden("US"), Hidden("DE")],
    }


def test_disclosures_of_section_5_come_out_byte_for_byte():
    concealed = conceal(example_claims(), salt=iter(SALTS).__next__)

    assert concealed.disclosures == [encoded for _, encoded, _ in DISCLOSED]
    assert [digest(one) for one in concealed.disclosures] == [known_by for _, _, known_by in DISCLOSED]
    assert [read_disclosure(one).name for one in concealed.disclosures] == [name for name, _, _ in DISCLOSED]


def test_payload_of_section_5_comes_out_byte_for_byte():
    concealed = conceal(example_claims(), salt=iter(SALTS).__next__)
    payload = {**concealed.payload, "_sd_alg": "sha-256", "cnf": {"jwk": HOLDER}}

    assert encode({"alg": "ES256", "typ": "example+sd-jwt"}) == SIGNED.split(".", maxsplit=1)[0]
    assert encode(payload) == SIGNED.split(".")[1]
    assert read_jws(SIGNED, ISSUER, "example+sd-jwt", "it") == payload


@pytest.mark.parametrize(
    "encoded",
    [
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0",
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNXHUwMGY2Yml1cyJd",
        "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd",
    ],
)
def test_disclosure_is_read_however_its_json_is_written(encoded):
    """Section 4.2.1 shows these spellings of one claim."""
    assert read_disclosure(encoded)[1:] == ("family_name", "Möbius")


def test_digest_is_of_the_disclosure_as_sent():
    assert digest(DISCLOSED[0][1]) == DISCLOSED[0][2]
    assert (
        digest("WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0")
        == "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    )


def test_presentation_of_section_5_is_read_as_the_rfc_reads_it():
    shown = [DISCLOSED[place][1] for place in (1, 5, 0, 8)]
    presentation = "~".join([SIGNED, *shown, BINDING])

    claims = reveal(read_jws(SIGNED, ISSUER, "example+sd-jwt", "it"), shown)
    bound = read_jws(BINDING, HOLDER, "kb+jwt", "holder")

    assert claims == {
        "iss": "https://issuer.example.com",
        "iat": 1683000000,
        "exp": 1883000000,
        "sub": "user_42",
        "nationalities": ["US"],
        "cnf": {"jwk": HOLDER},
        "family_name": "Doe",
        "address": ADDRESS,
        "given_name": "John",
    }
    assert bound == {
        "nonce": "1234567890",
        "aud": "https://verifier.example.org",
        "iat": 1748537244,
        "sd_hash": "0_Af-2B-EhLWX5ydh_w2xzwmO6iM66B_2QCEanI4fUY",
    }
    assert digest(presentation[: -len(BINDING)]) == bound["sd_hash"]
    assert encode({"alg": "ES256", "typ": "kb+jwt"}) + "." + encode(bound) == BINDING.rpartition(".")[0]


def test_structured_claims_of_section_6_come_out_byte_for_byte():
    address = {"street_address": "Schulstr. 12", "locality": "Schulpforta", "region": "Sachsen-Anhalt", "country": "DE"}

    flat = conceal({"address": Hidden(address)}, salt=iter(SALTS).__next__)
    structured = conceal(
        {"address": {name: Hidden(value) for name, value in address.items()}}, salt=iter(SALTS).__next__
    )
    recursive = conceal(
        {"address": Hidden({name: Hidden(value) for name, value in address.items()})}, salt=iter(SALTS).__next__
    )

    inner = [
        "6vh9bq-zS4GKM_7GpggVbYzzu6oOGXrmNVGPHP75Ud0",
        "9gjVuXtdFROCgRrtNcGUXmF65rdezi_6Er_j76kmYyM",
        "KURDPh4ZC19-3tiz-Df39V8eidy1oV3a3H1Da2N0g88",
        "WN9r9dCBJ8HTCsS2jKASxTjEyW5m5x65_Z_2ro2jfXM",
    ]
    assert flat.payload == {"_sd": ["fOBUSQvo46yQO-wRwXBcGqvnbKIueISEL961_Sjd4do"]}
    assert structured.payload == {"address": {"_sd": inner}}
    assert recursive.payload == {"_sd": ["HvrKX6fPV0v9K_yCVFBiLFHsMaxcD_114Em6VT8x1lg"]}
    assert reveal(recursive.payload, recursive.disclosures) == {"address": address}
    assert reveal(recursive.payload, []) == {}
    assert needed(recursive.disclosures, [recursive.disclosures[3]]) == recursive.disclosures[3:]


# What this marketplace issues: Ed25519.

KEY, FIRM = Ed25519PrivateKey.from_private_bytes(b"i" * 32), Ed25519PrivateKey.from_private_bytes(b"f" * 32)
TYPE = "credit-voucher+sd-jwt"


def voucher(**claims):
    said = {"aud": "BANK", "iat": 1000, "exp": 2000, "grade": Hidden("A"), "customers": [Hidden("甲"), Hidden("乙")]}
    return issue(
        {**said, **claims},
        key=KEY,
        holder=public_jwk(FIRM.public_key()),
        kind=TYPE,
        salt=lambda: secrets.token_urlsafe(16),
    )


def shown(signed, disclosures, *, key=FIRM, audience="BANK", nonce="n-1", at=1100):
    return present(signed, disclosures, key=key, audience=audience, nonce=nonce, at=at)


def check(presentation, *, now=1200, **options):
    return check_presentation(presentation, public_jwk(KEY.public_key()), now=now, **options)


def test_voucher_shows_what_was_chosen_and_nothing_else():
    signed, disclosures = voucher()

    claims, bound = check(shown(signed, disclosures[:1]), audience="BANK", nonce="n-1")

    assert (claims["grade"], claims["customers"]) == ("A", [])
    assert bound["aud"] == "BANK"
    assert "甲" not in base64.urlsafe_b64decode(signed.split(".")[1] + "==").decode()


def test_es256_signs_too():
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    jwk = {"kty": "EC", "crv": "P-256"}
    for name in "xy":
        jwk[name] = base64.urlsafe_b64encode(getattr(numbers, name).to_bytes(32)).rstrip(b"=").decode()

    signed = sign({"a": 1}, key=key, kind="t")

    assert read_jws(signed, jwk, "t", "it") == {"a": 1}
    assert not fits(jwk, "EdDSA", b"", b"")


@pytest.mark.parametrize(
    ("code", "change", "options"),
    [
        ("audience", {}, {"audience": "OTHER"}),
        ("nonce", {}, {"nonce": "n-2"}),
        ("expired", {}, {"now": 2000}),
        ("early", {}, {"now": 500}),
        ("audience", {"audience": "OTHER"}, {}),
        ("binding", {"key": KEY}, {}),
        ("early", {"at": 1900}, {}),
    ],
)
def test_presentation_to_another_or_at_another_time_is_refused(code, change, options):
    signed, disclosures = voucher()

    with pytest.raises(Broken) as refused:
        check(shown(signed, disclosures, **change), **options)

    assert refused.value.code == code
    assert refused.value.zh
    assert refused.value.en


def test_every_changed_character_of_a_presentation_is_refused():
    signed, disclosures = voucher()
    whole = shown(signed, disclosures)

    for place in range(0, len(whole), 7):
        changed = whole[:place] + ("A" if whole[place] != "A" else "B") + whole[place + 1 :]
        with pytest.raises(Broken):
            check(changed)


def test_disclosures_that_do_not_belong_are_refused():
    signed, disclosures = voucher()
    other = encode(["salt", "grade", "AAA"])

    for given, code in (
        ([other], "disclosure"),
        ([disclosures[0]] * 2, "disclosures"),
    ):
        with pytest.raises(Broken) as refused:
            check(shown(signed, given))
        assert refused.value.code == code


@pytest.mark.parametrize(
    "payload",
    [
        {"_sd": [digest(encode(["s", "_sd", 1]))]},
        {"_sd": [digest(encode(["s", "grade", 1]))], "grade": 2},
        {"_sd": [digest(encode(["s", "grade"]))]},
        {"_sd": [digest(encode(["s", "grade", 1]))] * 2},
        {"_sd": [], "_sd_alg": "md5"},
    ],
)
def test_payload_that_the_rfc_forbids_is_refused(payload):
    known = [encode(["s", "_sd", 1]), encode(["s", "grade", 1]), encode(["s", "grade"])]
    given = [one for one in known if digest(one) in payload["_sd"]]

    with pytest.raises(Broken):
        reveal(payload, given)


def test_presentation_without_the_holders_signature_is_refused():
    signed, disclosures = voucher()

    with pytest.raises(Broken) as refused:
        check(f"{signed}~{disclosures[0]}~")

    assert refused.value.code == "binding"


def test_signature_of_another_kind_of_token_is_refused():
    signed = sign({"a": 1}, key=KEY, kind="kb+jwt")

    with pytest.raises(Broken):
        read_jws(signed, public_jwk(KEY.public_key()), TYPE, "it")
    assert json.loads(base64.urlsafe_b64decode(signed.split(".")[0] + "=="))["alg"] == "EdDSA"
