"""Vouchers and the log: who may issue, present, revoke, check and co-sign, by services, pages and API."""

import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from config.errors import InputRefused
from finance import tasks
from finance.models import Checkpoint, Cosignature, CreditVoucher, LogLeaf, RecordRead, VoucherCheck, Witness
from finance.services import checkpoints, consents, evidence, voucher_checks, vouchers
from finance.verify_voucher import digest, reveal
from finance.vouchers.notes import cosign_note
from marketplace.models import Notification
from marketplace.services.organisations import OnlyMembersMay, OnlyOwnersMay
from tests.factories import NOON, MembershipFactory, OrganisationFactory, UserFactory
from tests.factories_assessment import trade
from tests.factories_consent import ConsentFactory
from tests.factories_voucher import assessment_of, bank, voucher_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def firm(owner):
    return OrganisationFactory(members=[owner])


@pytest.fixture
def maker():
    return UserFactory()


@pytest.fixture
def lender(maker):
    return bank(members__maker=maker)


@pytest.fixture
def voucher(firm, owner, lender):
    return voucher_of(firm, for_bank=lender, owner=owner, batches=1)


def chosen(voucher, *names):
    wanted = []
    for one in voucher.disclosures:
        content = vouchers.sd_jwt.read_disclosure(one)
        if content.name in names:
            wanted.append(digest(one))
    return wanted


def present(voucher, *names, **options):
    shown = chosen(voucher, *(names or ["grade"]))
    return vouchers.present_voucher(voucher=voucher, shown=shown, by=voucher.issued_by, now=NOON, **options)


# --- Issue ---


def test_issue_states_the_assessment_and_stands_in_the_log(voucher, firm, lender):
    shown = reveal(vouchers.payload_of(voucher), voucher.disclosures)

    assert shown["aud"] == lender.uscc
    assert shown["subject"]["code"] == firm.uscc
    assert (shown["credit"]["grade"], shown["credit"]["score"]) == ("B", 640)
    assert shown["credit"]["customer_count"] > 0
    assert len(shown["credit"]["customers"]) <= 5
    assert voucher.leaf.content["sha256"] == voucher.sha256
    assert [one["leaf"] for one in shown["evidence"]] == [0]
    assert firm.uscc not in json.dumps(voucher.leaf.content)


def test_issue_lasts_no_longer_than_the_consent(firm, owner, lender):
    ConsentFactory(firm=firm, reader=lender, valid_until=NOON + dt.timedelta(days=10))

    made = vouchers.issue_voucher(assessment=assessment_of(firm), bank=lender, valid_days=60, by=owner, now=NOON)

    assert made.expires_at == NOON + dt.timedelta(days=10)


def test_issue_needs_a_standing_consent_for_this_bank(firm, owner, lender):
    assessment = assessment_of(firm)
    ConsentFactory(firm=firm, reader=lender, groups=["sales"])
    ConsentFactory(firm=firm, reader=bank())

    with pytest.raises(vouchers.NoConsentForThisBank):
        vouchers.issue_voucher(assessment=assessment, bank=lender, by=owner, now=NOON)


def test_issue_needs_a_finished_assessment_that_is_not_anothers(firm, owner, lender):
    ConsentFactory(firm=firm, reader=lender)
    waiting = assessment_of(firm, status="waiting", score=None, grade="", sha256="")
    others = assessment_of(firm, bank=bank())

    for assessment in (waiting, others):
        with pytest.raises(vouchers.AssessmentNotFinished):
            vouchers.issue_voucher(assessment=assessment, bank=lender, by=owner, now=NOON)
    assert LogLeaf.objects.count() == 0


def test_issue_is_for_the_owner_and_a_sensible_time(firm, owner, lender):
    assessment, trader = assessment_of(firm), UserFactory()
    MembershipFactory(organisation=firm, user=trader, role="trader")

    with pytest.raises(OnlyOwnersMay):
        vouchers.issue_voucher(assessment=assessment, bank=lender, by=trader, now=NOON)
    with pytest.raises(InputRefused):
        vouchers.issue_voucher(assessment=assessment, bank=lender, valid_days=1000, by=owner, now=NOON)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"bank_id": "subject"}, "credit_voucher_is_for_another"),
        ({"expires_at": NOON - dt.timedelta(days=1)}, "credit_voucher_ends_after_it_begins"),
        ({"revoked_at": NOON}, "credit_voucher_revoked_at_goes_with_revoked_by"),
    ],
)
def test_database_refuses_a_voucher_that_cannot_be(change, constraint, voucher):
    change = {name: voucher.subject_id if value == "subject" else value for name, value in change.items()}

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        CreditVoucher.objects.filter(pk=voucher.pk).update(**change)


# --- Present and revoke ---


def test_present_shows_only_what_was_chosen(voucher):
    made = present(voucher, "grade", "sales_band")

    assert made.shown == ["grade", "sales_band"]
    assert "甲" not in made.text
    assert voucher.presentations.get().sha256 == made.sha256
    assert LogLeaf.objects.last().kind == "voucher.presented"


def test_present_takes_a_code_once(voucher):
    present(voucher, nonce="n-1")

    with pytest.raises(vouchers.NonceUsedBefore):
        present(voucher, nonce="n-1")
    assert voucher.presentations.count() == 1


@pytest.mark.parametrize("options", [{"nonce": "a b"}, {"nonce": "x" * 101}, {"record_count": 1000}])
def test_present_names_what_it_cannot_take(options, voucher):
    with pytest.raises(InputRefused) as refused:
        present(voucher, **options)

    assert set(refused.value.errors) == set(options)


def test_present_of_what_the_voucher_does_not_have_is_refused(voucher):
    with pytest.raises(InputRefused) as refused:
        vouchers.present_voucher(voucher=voucher, shown=["x"], by=voucher.issued_by, now=NOON)

    assert set(refused.value.errors) == {"shown"}


def test_present_after_revocation_expiry_or_withdrawn_consent_is_refused(firm, owner, lender, voucher):
    other = voucher_of(firm, for_bank=lender, owner=owner, batches=0)
    vouchers.revoke_voucher(voucher=other, reason="typing error", by=owner, now=NOON)
    with pytest.raises(vouchers.VoucherNoLongerStands):
        present(other)
    with pytest.raises(vouchers.VoucherNoLongerStands):
        vouchers.present_voucher(voucher=voucher, shown=[], by=owner, now=voucher.expires_at)
    consents.withdraw_consent(consent=voucher.consent, by=owner, now=NOON)
    with pytest.raises(vouchers.VoucherNoLongerStands):
        present(voucher)


def test_revoke_works_once_and_tells_the_bank_that_took_it(voucher, lender, maker, owner):
    voucher_checks.check_voucher(bank=lender, text=present(voucher).text, by=maker, now=NOON)

    vouchers.revoke_voucher(voucher=voucher, reason="sold", by=owner, now=NOON)

    with pytest.raises(vouchers.VoucherNoLongerStands):
        vouchers.revoke_voucher(voucher=voucher, reason="again", by=owner, now=NOON)
    voucher.refresh_from_db()
    assert (voucher.revoke_reason, voucher.revoked_by) == ("sold", owner)
    assert Notification.objects.filter(event="voucher.revoked", user=maker).exists()


# --- Check ---


def test_check_keeps_what_was_shown_and_leaves_a_row_for_the_firm(voucher, lender, maker, firm):
    check = voucher_checks.check_voucher(bank=lender, text=present(voucher).text, by=maker, now=NOON)

    assert check.is_good
    assert check.claims["credit"]["grade"] == "B"
    assert "score" not in check.claims["credit"]
    assert RecordRead.objects.get(firm=firm, reader=lender).subject == voucher.number


@pytest.mark.parametrize("code", ["replayed", "revoked", "audience", "nonce", "signature", "unreadable"])
def test_check_refuses(code, voucher, lender, maker, owner):
    text, options = present(voucher, nonce="n-1").text, {}
    if code == "replayed":
        voucher_checks.check_voucher(bank=lender, text=text, by=maker, now=NOON)
    elif code == "revoked":
        consents.withdraw_consent(consent=voucher.consent, by=owner, now=NOON)
    elif code == "audience":
        lender = bank(members__maker=maker)
    elif code == "nonce":
        options["nonce"] = "n-2"
    elif code == "signature":
        text = text.replace('"presentation":"ey', '"presentation":"eyJ', 1)
    else:
        text = "nothing"

    check = voucher_checks.check_voucher(bank=lender, text=text, by=maker, now=NOON, **options)

    assert (check.is_good, check.claims) == (False, {})
    assert [one["code"] for one in check.findings] == [code]
    assert voucher_checks.said(check.findings, "en") != voucher_checks.said(check.findings, "zh-hans")


def test_check_is_for_those_who_lend(voucher, lender, owner, firm):
    with pytest.raises(OnlyMembersMay):
        voucher_checks.check_voucher(bank=lender, text="x", by=owner, now=NOON)
    with pytest.raises(voucher_checks.OnlyReadersCheckVouchers):
        voucher_checks.check_voucher(bank=firm, text="x", by=owner, now=NOON)


def test_check_of_nothing_is_refused(lender, maker):
    with pytest.raises(InputRefused):
        voucher_checks.check_voucher(bank=lender, text="  ", by=maker, now=NOON)


# --- Checkpoints and witnesses ---


@pytest.fixture
def boss(lender):
    user = UserFactory()
    MembershipFactory(organisation=lender, user=user, role="owner")
    return user


def grow(count=3):
    evidence.append_all(entries=[evidence.Entry("thing.done", {"n": n}) for n in range(count)], at=NOON)


def test_sign_log_gives_one_checkpoint_per_size(boss, lender):
    checkpoints.register_witness(organisation=lender, by=boss, now=NOON)
    with pytest.raises(checkpoints.LogIsEmpty):
        checkpoints.sign_log(now=NOON)
    grow()

    first = checkpoints.sign_log(now=NOON)

    assert checkpoints.sign_log(now=NOON) == first
    assert Cosignature.objects.count() == 1
    assert first.root == evidence.head().root.hex()


def test_checkpoints_are_never_changed(boss, lender):
    grow()
    checkpoints.register_witness(organisation=lender, by=boss, now=NOON)
    checkpoints.sign_log(now=NOON)

    for forgery in (
        lambda: Checkpoint.objects.update(root="0" * 64),
        lambda: Checkpoint.objects.all().delete(),
        lambda: Cosignature.objects.update(line="x"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            forgery()


def test_witness_signs_again_only_what_grew(boss, lender):
    witness = checkpoints.register_witness(organisation=lender, by=boss, now=NOON)
    grow()
    first = checkpoints.sign_log(now=NOON)
    grow()
    # A checkpoint of another tree, as an operator who holds the key could sign it.
    forged = Checkpoint.objects.create(
        size=6,
        root="0" * 64,
        body=first.body.replace("\n3\n", "\n6\n"),
        signature_line=first.signature_line,
        at=NOON,
    )

    with pytest.raises(checkpoints.CheckpointNotSeen):
        checkpoints.cosign_checkpoint(checkpoint=forged, witness=witness, by=boss, now=NOON)
    assert not forged.cosignatures.exists()


def test_witness_with_its_own_key_posts_its_line(boss, lender):
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    witness = checkpoints.register_witness(organisation=lender, public_key=public, by=boss, now=NOON)
    grow()
    checkpoint = checkpoints.sign_log(now=NOON)
    line = cosign_note(checkpoint.body, name=witness.name, key=key, at=int(NOON.timestamp()))
    told = {"checkpoint": checkpoint, "witness": witness, "by": boss, "now": NOON}

    checkpoints.post_cosignature(line=line, **told)
    checkpoints.post_cosignature(line=line, **told)

    assert Cosignature.objects.count() == 1
    with pytest.raises(checkpoints.KeyLiesElsewhere):
        checkpoints.cosign_checkpoint(**told)
    for bad in ("nonsense", cosign_note("other\n1\nx\n", name=witness.name, key=key, at=1), line[:-4] + "AAAA"):
        with pytest.raises(checkpoints.CosignatureDoesNotFit):
            checkpoints.post_cosignature(line=bad, **told)


def test_witness_gets_a_new_key_and_the_old_is_retired(boss, lender, firm, owner):
    first = checkpoints.register_witness(organisation=lender, by=boss, now=NOON)
    second = checkpoints.register_witness(organisation=lender, by=boss, now=NOON)

    first.refresh_from_db()
    assert first.retired_at == NOON
    assert first.public_key != second.public_key
    assert checkpoints.quorum() == 1
    with pytest.raises(checkpoints.OnlyThesePartiesWitness):
        checkpoints.register_witness(organisation=firm, by=owner, now=NOON)
    with pytest.raises(InputRefused):
        checkpoints.register_witness(organisation=lender, public_key="zz", by=boss, now=NOON)


def test_tend_log_heard_twice_signs_once(boss, lender):
    checkpoints.register_witness(organisation=lender, by=boss, now=NOON)
    grow()

    tasks.tend_log()
    tasks.tend_log()

    assert Checkpoint.objects.count() == Cosignature.objects.count() == 1


def test_proofs_of_what_never_was_are_refused():
    grow()

    for old, size in ((0, 3), (4, 3), (2, 9)):
        with pytest.raises(InputRefused):
            checkpoints.consistency(old=old, size=size)
    with pytest.raises(InputRefused):
        checkpoints.inclusion(leaf=LogLeaf.objects.get(pk=2), size=2)


# --- Pages ---


def test_voucher_pages_of_the_owner(client, owner, firm, lender):
    now = timezone.now()
    ConsentFactory(firm=firm, reader=lender, valid_until=now + dt.timedelta(days=90))
    trade(firm, months=2)
    assessment = assessment_of(firm)
    client.force_login(owner)

    made = client.post(
        reverse("finance:voucher_create"), {"assessment": assessment.pk, "bank": lender.pk, "valid_days": 30}
    )

    voucher = CreditVoucher.objects.get()
    page = reverse("finance:voucher_detail", args=[voucher.pk])
    assert made.url == page
    assert voucher.number in client.get(reverse("finance:voucher_list")).content.decode()
    score = chosen(voucher, "score")
    assert "640" in preview_of(client.get(page, {"preview": 1, "shown": score}))
    assert "640" not in preview_of(client.get(page))
    file = client.post(reverse("finance:voucher_present", args=[voucher.pk]), {"shown": score, "nonce": "n-7"})
    assert json.loads(b"".join(file.streaming_content))["format"] == "credit-voucher/1"
    again = client.post(reverse("finance:voucher_present", args=[voucher.pk]), {"shown": score, "nonce": "n-7"})
    assert again.status_code == 409
    client.post(reverse("finance:voucher_revoke", args=[voucher.pk]), {"reason": "old"})
    assert CreditVoucher.objects.revoked().exists()


def preview_of(response):
    return response.content.decode().split('id="preview"')[1].split("</section>")[0]


def test_voucher_pages_say_what_is_missing(client, owner, firm):
    client.force_login(owner)

    page = client.get(reverse("finance:voucher_create"))
    answer = client.post(reverse("finance:voucher_create"), {"bank": ""})

    assert reverse("finance:credit_home") in page.content.decode()
    assert answer.status_code == 422


def test_voucher_pages_are_not_for_strangers(client, voucher, maker):
    client.force_login(maker)

    for name in ("voucher_detail", "voucher_check_detail"):
        assert client.get(reverse(f"finance:{name}", args=[voucher.pk])).status_code == 404
    for name in ("voucher_present", "voucher_revoke"):
        assert client.post(reverse(f"finance:{name}", args=[voucher.pk])).status_code == 404
    assert client.get(reverse("finance:voucher_create")).status_code == 404
    assert voucher.number not in client.get(reverse("finance:voucher_list")).content.decode()


def test_voucher_list_asks_as_much_for_three_as_for_one(client, owner, firm, lender):
    client.force_login(owner)
    voucher_of(firm, for_bank=lender, owner=owner, batches=0)
    queries_of(client, "voucher_list")
    before = queries_of(client, "voucher_list")
    for _ in range(2):
        voucher_of(firm, for_bank=lender, owner=owner, batches=0)

    assert queries_of(client, "voucher_list") == before


def test_log_and_check_lists_ask_as_much_for_three_as_for_one(client, boss, lender):
    checkpoints.register_witness(organisation=lender, by=boss, now=NOON)
    client.force_login(boss)

    def add():
        grow()
        checkpoints.sign_log(now=NOON)
        VoucherCheck.objects.create(bank=lender, by=boss, at=NOON, sha256="0" * 64, is_good=False)

    add()
    pages = ("log_detail", "voucher_check")
    for name in pages:
        queries_of(client, name)
    one = [queries_of(client, name) for name in pages]
    add()
    add()

    assert [queries_of(client, name) for name in pages] == one


def queries_of(client, name):
    with CaptureQueriesContext(connection) as asked:
        client.get(reverse(f"finance:{name}"))
    return len(asked)


def test_check_page_takes_a_file_and_shows_what_came_out(client, maker, lender, owner, firm):
    voucher = voucher_of(firm, for_bank=lender, owner=owner, now=timezone.now(), batches=0, valid_days=9)
    made = vouchers.present_voucher(voucher=voucher, shown=chosen(voucher, "grade"), by=owner, now=timezone.now())
    client.force_login(maker)

    answer = client.post(reverse("finance:voucher_check"), {"bank": lender.pk, "text": made.text})
    bad = client.post(reverse("finance:voucher_check"), {"bank": lender.pk, "text": made.text[:-9]})

    assert VoucherCheck.objects.filter(is_good=True).count() == 1
    assert voucher.number in client.get(answer.url).content.decode()
    assert 'class="notice is-error"' in client.get(bad.url).content.decode()
    assert client.post(reverse("finance:voucher_check"), {"bank": lender.pk}).status_code == 422
    assert client.get(reverse("finance:voucher_check")).content.decode().count("badge is-good") == 1


def test_check_page_is_not_for_firms(client, owner, firm):
    client.force_login(owner)

    assert client.get(reverse("finance:voucher_check")).status_code == 404


def test_log_page_shows_proofs_and_lets_witnesses_sign(client, boss, lender):
    grow()
    client.force_login(boss)
    client.post(reverse("finance:witness_create"), {"organisation": lender.pk})

    client.post(reverse("finance:log_sign"))
    page = client.get(reverse("finance:log_detail"), {"leaf": 1}).content.decode()

    checkpoint = Checkpoint.objects.get()
    assert checkpoint.root in page
    assert LogLeaf.objects.get(pk=1).hash_hex in page
    assert "thing.done" in page
    assert checkpoint.cosignatures.count() == 1
    witness = Witness.objects.get()
    again = client.post(reverse("finance:log_cosign", args=[checkpoint.size]), {"witness": witness.pk})
    assert again.status_code == 302
    log = b"".join(client.get(reverse("finance:log_export", args=[checkpoint.size])).streaming_content).decode()
    assert log.count("\n") == 5
    assert client.get(reverse("finance:log_detail"), {"leaf": 99}).status_code == 200


def test_log_page_hides_what_leaves_say_from_others(client, owner, firm):
    grow()
    checkpoint = checkpoints.sign_log(now=NOON)
    client.force_login(owner)

    page = client.get(reverse("finance:log_detail"), {"leaf": 1}).content.decode()

    assert "thing.done" not in page
    assert client.get(reverse("finance:log_export", args=[checkpoint.size])).status_code == 404
    assert client.post(reverse("finance:log_sign")).status_code == 403
    assert client.post(reverse("finance:log_cosign", args=[checkpoint.size])).status_code == 404
    assert client.post(reverse("finance:witness_create")).status_code == 404


def test_checkpoint_keys_and_checker_are_there_for_everybody(client):
    grow()
    checkpoint = checkpoints.sign_log(now=NOON)

    note = client.get(reverse("finance:log_checkpoint", args=[checkpoint.size])).content.decode()
    trust = client.get(reverse("finance:log_trust")).json()
    script = b"".join(client.get(reverse("finance:log_verifier")).streaming_content)

    assert note == checkpoint.note()
    assert trust == checkpoints.trust_file()
    assert b"def verify_inclusion" in script


# --- API ---


@pytest.fixture
def api():
    def of(user):
        client = APIClient()
        client.force_authenticate(user)
        return client

    return of


def test_api_issues_presents_checks_and_revokes(api, owner, firm, maker, lender):
    now = timezone.now()
    ConsentFactory(firm=firm, reader=lender, valid_until=now + dt.timedelta(days=90))
    assessment = assessment_of(firm)
    base = "/api/v1/finance/"

    made = api(owner).post(f"{base}vouchers/", {"assessment": assessment.pk, "bank": lender.pk})
    voucher = made.json()
    grade = [one["id"] for one in voucher["disclosures"] if one["name"] == "grade"]
    shown = api(owner).post(f"{base}vouchers/{voucher['id']}/present/", {"shown": grade}).json()
    check = api(maker).post(f"{base}voucher-checks/", {"bank": lender.pk, "file": shown["file"]}).json()
    revoked = api(owner).post(f"{base}vouchers/{voucher['id']}/revoke/", {"reason": "old"}).json()

    assert made.status_code == 201
    assert check["is_good"]
    assert check["claims"]["credit"]["grade"] == "B"
    assert revoked["revoked_at"]
    assert [one["number"] for one in api(owner).get(f"{base}vouchers/").json()["results"]] == [voucher["number"]]
    assert len(api(maker).get(f"{base}voucher-checks/").json()["results"]) == 1
    assert api(maker).get(f"{base}vouchers/{voucher['id']}/").status_code == 404
    assert api(maker).post(f"{base}vouchers/{voucher['id']}/present/", {"shown": []}).status_code == 404
    assert APIClient().get(f"{base}status-list/").json()["status_list"].count(".") == 2


def test_api_proves_and_cosigns(api, boss, lender, owner):
    grow()
    base = "/api/v1/finance/log/"
    witness = api(boss).post(f"{base}witnesses/", {"organisation": lender.pk}).json()

    checkpoint = api(boss).post(f"{base}checkpoints/", {}).json()
    cosigned = api(boss).post(f"{base}checkpoints/3/cosignatures/", {"witness": witness["id"]})

    assert checkpoint["size"] == 3
    assert cosigned.status_code == 201
    anonymous = APIClient()
    assert anonymous.get(base).json() == {"size": 3, "root": checkpoint["root"]}
    assert anonymous.get(f"{base}checkpoints/3/").json()["note"] == checkpoint["note"]
    assert anonymous.get(f"{base}consistency/", {"old": 2}).json()["size"] == 3
    assert anonymous.get(f"{base}consistency/", {"old": "x"}).status_code == 400
    assert anonymous.get(f"{base}trust/").json()["quorum"] == 1
    assert anonymous.get(f"{base}leaves/1/").status_code == 401
    assert "entry" in api(boss).get(f"{base}leaves/1/").json()
    assert "entry" not in api(owner).get(f"{base}leaves/1/").json()
    assert api(owner).post(f"{base}checkpoints/", {}).status_code == 403
    assert api(owner).post(f"{base}checkpoints/3/cosignatures/", {"witness": witness["id"]}).status_code == 400
    assert len(api(owner).get(f"{base}witnesses/").json()["results"]) == 1
    assert len(anonymous.get(f"{base}checkpoints/").json()["results"]) == 1
