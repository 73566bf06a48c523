import gzip
import hashlib
import io

import openpyxl
import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from config.errors import InputRefused
from finance.models import FindingRun, LogLeaf, RecordImport, TransactionRecord
from finance.reading.batches import batch_root
from finance.runs.record_imports import import_records
from finance.services.record_imports import ImportAlreadyRunning, import_at_once, request_import
from finance.tasks import ring_records_again
from marketplace.models import Notification
from marketplace.services.organisations import OnlyMembersMay
from tests.factories import OrganisationFactory, UserFactory
from tests.factories_record import RecordImportFactory, sales_csv
from tests.finance.reading.test_e_invoices import FULLY_DIGITAL

pytestmark = pytest.mark.django_db
ROWS = ("1001,2026/1/5,B1,100,13,113,有效发票", "1002,2026/1/6,B2,-50,-6.5,-56.5, 作废发票")
PAYMENTS = "流水号,日期,对方户名,收入金额,支出金额\n,2026-01-05,乙厂,100,\n,2026-01-05,乙厂,100,\n"


@pytest.fixture
def owner():
    return UserFactory()


@pytest.fixture
def firm(owner):
    return OrganisationFactory(members=[owner])


@pytest.fixture
def hand_in(firm, owner, now):
    def run(content, kind="sales", name="sales.csv", **said):
        file = ContentFile(content, name=name)
        return import_at_once(file=file, organisation=firm, kind=kind, by=owner, now=now, **said)

    return run


def test_import_adds_good_rows_and_reports_bad_ones(hand_in, firm):
    run = hand_in(sales_csv(*ROWS, "1003,never,B1,1,0,1,有效发票", "1004,2026/1/7,B1,1,1,1,有效发票"))

    assert (run.status, run.rows, run.added, run.known, run.refused) == ("done", 4, 2, 0, 2)
    assert [(one["line"], one["field"], one["reason"]) for one in run.problems] == [
        (4, "开票日期", "no_day"),
        (5, "价税合计", "total_differs"),
    ]
    records = TransactionRecord.objects.of(firm).order_by("line")
    assert [(one.number, one.total_amount, one.is_void, one.source) for one in records] == [
        ("1001", 113, False, "invoice"),
        ("1002", -56.5, True, "invoice"),
    ]


def test_import_again_adds_nothing(hand_in, firm):
    hand_in(sales_csv(*ROWS))

    again = hand_in(sales_csv(*ROWS, "1003,2026/1/7,B1,1,0,1,有效发票", ROWS[0]))

    assert (again.added, again.known) == (1, 3)
    assert TransactionRecord.objects.of(firm).count() == 3


def test_same_number_with_other_content_is_another_record(hand_in, firm):
    hand_in(sales_csv(ROWS[0], ROWS[0].replace("100,13,113", "200,26,226")))

    assert TransactionRecord.objects.of(firm).filter(number="1001").count() == 2


def test_equal_payments_without_a_number_are_two_and_stay_two(hand_in, firm):
    first = hand_in(PAYMENTS.encode("gb18030"), kind="payment")
    again = hand_in(PAYMENTS.encode(), kind="payment")

    assert (first.added, again.added, again.known) == (2, 0, 2)
    assert set(TransactionRecord.objects.of(firm).values_list("source", "direction")) == {("bank", "in")}


def test_import_links_the_counterparty_that_is_here(hand_in, firm):
    other = OrganisationFactory()

    hand_in(sales_csv(ROWS[0].replace("B1", other.uscc.lower()), ROWS[1].replace("B2", firm.uscc)))

    assert list(TransactionRecord.objects.of(firm).order_by("line").values_list("counterparty", flat=True)) == [
        other.pk,
        None,
    ]


def test_import_leaves_one_leaf_and_asks_for_a_look(hand_in, firm):
    run = hand_in(sales_csv(*ROWS))
    hand_in(sales_csv(*ROWS))

    hashes = TransactionRecord.objects.of(firm).order_by("line").values_list("sha256", flat=True)
    leaf = LogLeaf.objects.get(kind="records.imported")
    assert run.root == leaf.content["root"] == batch_root(hashes)
    assert (leaf.content["import"], leaf.content["count"]) == (run.pk, 2)
    assert FindingRun.objects.get(organisation=firm).status == "waiting"
    assert (
        Notification.objects.filter(event="record_import.finished").values("deduplication_key").distinct().count() == 2
    )


def test_import_keeps_the_file(hand_in, firm):
    content = gzip.compress(sales_csv(*ROWS))

    run = hand_in(content, name="销项.csv.gz")

    assert run.sha256 == run.attachment.sha256 == hashlib.sha256(content).hexdigest()
    assert run.added == 2


def test_workbook_and_electronic_invoice_are_taken(hand_in, firm):
    workbook = openpyxl.Workbook()
    for line in sales_csv(*ROWS).decode().splitlines():
        workbook.active.append(line.split(","))
    out = io.BytesIO()
    workbook.save(out)
    invoice = FULLY_DIGITAL.replace("91330000123456789A", firm.uscc)

    assert hand_in(out.getvalue(), name="sales.xlsx").added == 2
    assert hand_in(invoice.encode(), name="invoice.xml").added == 1
    assert hand_in(invoice.encode(), name="invoice.xml").known == 1
    assert hand_in(FULLY_DIGITAL.encode(), name="other.xml").problems[0]["reason"] == "not_yours"


def test_file_that_is_no_table_writes_nothing(hand_in, firm):
    run = hand_in(b"number\n1\n")

    assert (run.status, run.rows, run.added) == ("done", 0, 0)
    assert (run.problems[0]["line"], run.problems[0]["reason"]) == (0, "no_column")
    assert not TransactionRecord.objects.of(firm).exists()


def test_rows_of_one_firm_are_chosen_by_its_code(hand_in):
    rows = sales_csv(*(f"E{n},{row}" for n, row in enumerate(ROWS, start=1)), header=f"企业代号,{sales_csv().decode()}")

    assert hand_in(rows).problems[0]["reason"] == "several_firms"
    assert hand_in(rows, firm_code="E2").added == 1


def test_import_refuses_what_cannot_be_a_file_of_records(firm, owner, now):
    def refused(content=b"x", name="a.csv", kind="sales", **said):
        file = ContentFile(content, name=name)
        with pytest.raises(InputRefused) as refusal:
            request_import(file=file, organisation=firm, kind=kind, by=owner, now=now, **said)
        return list(refusal.value.errors)

    assert refused(content=b"") == ["file"]
    assert refused(name="a.exe") == ["file"]
    assert refused(kind="gossip") == ["kind"]
    assert refused(firm_code="E" * 61) == ["firm_code"]
    with pytest.raises(OnlyMembersMay):
        request_import(file=ContentFile(b"x", name="a.csv"), organisation=firm, kind="sales", by=UserFactory(), now=now)


def test_second_file_of_a_kind_waits_for_the_first(firm, owner, now):
    RecordImportFactory(organisation=firm, status="running", started_at=now, finished_at=None)

    with pytest.raises(ImportAlreadyRunning):
        request_import(
            file=ContentFile(sales_csv(*ROWS), name="a.csv"), organisation=firm, kind="sales", by=owner, now=now
        )


def test_import_whose_claim_was_taken_away_writes_nothing(firm, owner, now):
    run = request_import(
        file=ContentFile(sales_csv(*ROWS), name="a.csv"), organisation=firm, kind="sales", by=owner, now=now
    )
    mine = RecordImport.objects.claim(run.pk, now=now)
    RecordImport.objects.filter(pk=run.pk).update(attempt=9)

    import_records(mine)

    assert not TransactionRecord.objects.exists()


def test_import_that_breaks_says_so(firm, now):
    run = RecordImportFactory(organisation=firm, status="waiting", finished_at=None, attachment=None)
    mine = RecordImport.objects.claim(run.pk, now=now)

    with pytest.raises(AttributeError):
        import_records(mine)

    run.refresh_from_db()
    assert run.status == "failed"


def test_left_behind_import_is_rung_for_again(firm, owner, now, worker):
    run = request_import(
        file=ContentFile(sales_csv(*ROWS), name="a.csv"), organisation=firm, kind="sales", by=owner, now=now
    )
    RecordImport.objects.filter(pk=run.pk).update(status="running", started_at=now)

    ring_records_again()

    run.refresh_from_db()
    assert (run.status, run.added) == ("done", 2)
    assert FindingRun.objects.get(organisation=firm).status == "done"


def test_database_refuses_what_a_record_never_is(hand_in, firm):
    hand_in(sales_csv(*ROWS))
    records = TransactionRecord.objects.filter(number="1001")

    for change in (
        {"total_amount": 200},
        {"is_verified": True},
        {"kind": "payment"},
        {"sha256": "?"},
        {"key": TransactionRecord.objects.get(number="1002").key},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            records.update(**change)


def test_command_imports_and_reports(tmp_path, firm, owner, capsys):
    path = tmp_path / "sales.csv"
    path.write_bytes(sales_csv(*ROWS, "1003,never,B1,1,0,1,有效发票"))

    call_command("import_transactions", str(path), "--organisation", firm.uscc, "--kind", "sales")

    out = capsys.readouterr().out
    assert "added 2  known 0  refused 1" in out
    assert "line 4, 开票日期" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere.csv", "--organisation", "X"), "no file"),
        (("{path}", "--organisation", "X"), "No organisation"),
        (("{path}", "--organisation", "{uscc}", "--by", "nobody"), "no user"),
        (("{path}", "--organisation", "{uscc}"), "Nothing was imported"),
    ],
)
def test_command_says_what_is_wrong(tmp_path, firm, arguments, words):
    path = tmp_path / "sales.csv"
    path.write_text("number\n1\n")
    given = [one.format(path=path, uscc=firm.uscc) for one in arguments]

    with pytest.raises(CommandError, match=words):
        call_command("import_transactions", *given, "--kind", "sales")


# --- Pages and API ---


def test_import_create_takes_a_file_and_shows_what_became_of_it(
    client, firm, owner, worker, django_capture_on_commit_callbacks
):
    client.force_login(owner)
    file = ContentFile(sales_csv(*ROWS, "1003,never,B1,1,0,1,有效发票"), name="sales.csv")

    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(
            reverse("finance:import_create"), {"organisation": firm.pk, "kind": "sales", "file": file}
        )

    run = RecordImport.objects.get()
    assert response["Location"] == reverse("finance:import_detail", args=[run.pk])
    page = client.get(response["Location"]).content.decode()
    assert "“never”不是日期" in page
    report = client.get(reverse("finance:import_problems", args=[run.pk])).content.decode("utf-8-sig")
    assert "4,开票日期,no_day" in report


def test_import_create_shows_what_was_refused(client, firm, owner):
    client.force_login(owner)
    file = ContentFile(b"x", name="sales.exe")

    response = client.post(reverse("finance:import_create"), {"organisation": firm.pk, "kind": "sales", "file": file})

    assert response.status_code == 422
    assert not RecordImport.objects.exists()


def test_stranger_sees_no_import(client, firm):
    run = RecordImportFactory(organisation=firm)
    client.force_login(UserFactory())

    for name in ("import_detail", "import_problems"):
        assert client.get(reverse(f"finance:{name}", args=[run.pk])).status_code == 404
    assert client.get(reverse("finance:import_create")).status_code == 404
    assert client.get(reverse("finance:api_record_import_detail", args=[run.pk])).status_code == 404


def test_import_list_asks_as_much_for_three_as_for_one(client, firm, owner, count_queries):
    client.force_login(owner)
    RecordImportFactory(organisation=firm)
    one = count_queries(reverse("finance:import_list"))
    RecordImportFactory(organisation=firm)
    RecordImportFactory(organisation=OrganisationFactory(members=[owner]))

    assert count_queries(reverse("finance:import_list")) == one


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_template_is_handed_out_for_each_kind(client, owner, suffix):
    client.force_login(owner)

    assert client.get(reverse("finance:record_template", args=["payment", suffix])).status_code == 200
    assert client.get(reverse("finance:record_template", args=["gossip", suffix])).status_code == 404
    assert client.get(reverse("finance:api_record_template", args=["payment", suffix])).status_code == 200
    assert client.get(reverse("finance:api_record_template", args=["gossip", suffix])).status_code == 400


def test_api_takes_a_file_once_per_key(client, firm, owner):
    client.force_login(owner)
    path = reverse("finance:api_record_import_list")

    def post():
        file = ContentFile(sales_csv(*ROWS), name="sales.csv")
        said = {"organisation": firm.uscc, "kind": "sales", "file": file}
        return client.post(path, said, headers={"Idempotency-Key": "one"})

    first, again = post(), post()

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert client.get(path).json()["count"] == 1
    bad = client.post(path, {"organisation": OrganisationFactory().uscc, "kind": "x", "file": ContentFile(b"")})
    assert bad.status_code == 400
