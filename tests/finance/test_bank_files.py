import datetime as dt
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from finance.models import BankFile, BankFileRow, Drawdown, OfflineAct, ReconciliationBreak, Repayment
from finance.runs.bank_files import read_file
from finance.services import bank_files, offline_acts, repayments
from finance.tasks import read_bank_file, ring_bank_files_again
from marketplace.models import Membership, Notification
from marketplace.services.organisations import OnlyMembersMay
from tests.factories_lending import make_loan

pytestmark = pytest.mark.django_db
D = Decimal
LATER = dt.datetime(2026, 3, 20, 4, tzinfo=dt.UTC)
HEAD = "业务类型,银行流水号,借据号,金额,日期"


@pytest.fixture
def loan():
    """Return a bank, a firm and a loan of 100,000 that was paid out on 2 March."""
    return make_loan(repayment="annuity")


def upload(*lines: str, head: str = HEAD, name: str = "march.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, "\n".join([head, *lines]).encode())


def load(bank, *lines: str, head: str = HEAD, by=None) -> BankFile:
    file = bank_files.load_bank_file(
        bank=bank.organisation, upload=upload(*lines, head=head), by=by or bank.maker, now=LATER
    )
    if run := BankFile.objects.claim(file.pk, now=LATER):
        read_file(run, clock=lambda: LATER)
    file.refresh_from_db()
    return file


def post(bank, file, by=None) -> BankFile:
    return bank_files.post_bank_file(file=file, by=by or bank.checker, now=LATER)


def confirm_payout(bank, drawdown) -> OfflineAct:
    """Confirm the act of a loan that was paid out, so that it stands here."""
    act = drawdown.offline_acts.get()
    OfflineAct.objects.filter(pk=act.pk).update(
        status="confirmed",
        reference="OUT-1",
        occurred_on=drawdown.starts_on,
        amount=drawdown.amount,
        recorded_by=bank.maker,
        recorded_at=LATER,
        confirmed_by=bank.checker,
        confirmed_at=LATER,
    )
    act.refresh_from_db()
    return act


def test_bank_file_posts_a_repayment_that_nobody_recorded(loan):
    bank, _firm, drawdown = loan
    file = load(bank, f"还款,LS1,{drawdown.number},10000.00,2026-03-15")
    assert (file.rows, file.to_post, file.posting) == (1, 1, "waiting")
    assert not Repayment.objects.exists()

    post(bank, file)

    repayment = Repayment.objects.get()
    assert (repayment.status, repayment.recorded_by, repayment.checked_by) == ("booked", bank.maker, bank.checker)
    assert file.payments.get().state == BankFileRow.State.POSTED


def test_bank_file_loaded_twice_changes_nothing(loan):
    bank, _firm, drawdown = loan
    line = f"还款,LS1,{drawdown.number},10000.00,2026-03-15"
    first = load(bank, line)
    post(bank, first)
    left = Drawdown.objects.get(pk=drawdown.pk).principal_left

    again = load(bank, line)
    assert again == first
    # The same payment in another file: known by its reference.
    other = load(bank, line, f"还款,LS2,{drawdown.number},1000.00,2026-03-16")
    assert (other.rows, other.known, other.to_post) == (2, 1, 1)
    post(bank, first)

    assert Repayment.objects.count() == 1
    assert Drawdown.objects.get(pk=drawdown.pk).principal_left == left


def test_bank_file_posts_a_payout_that_is_awaited(loan):
    bank, firm, drawdown = loan
    awaited = bank.approve(firm.draw(drawdown.line, 50_000))
    file = load(bank, f"放款,FK-9,{awaited.number},50000.00,2026-03-10")

    post(bank, file)

    awaited.refresh_from_db()
    act = awaited.offline_acts.get()
    assert (awaited.status, awaited.starts_on) == (Drawdown.Status.PAID_OUT, dt.date(2026, 3, 10))
    assert (act.status, act.reference, act.confirmed_by) == ("confirmed", "FK-9", bank.checker)


def test_bank_file_confirms_what_was_recorded_by_hand(loan):
    bank, _firm, drawdown = loan
    said = {"amount": "10000", "paid_on": "2026-03-15", "reference": "LS1"}
    recorded = repayments.record_repayment(drawdown=drawdown, said=said, by=bank.maker, at=LATER)
    file = load(bank, f"还款,LS1,{drawdown.number},10000.00,2026-03-15")
    assert file.to_post == 1

    post(bank, file)

    recorded.refresh_from_db()
    assert (recorded.status, Repayment.objects.count()) == ("booked", 1)


def test_bank_file_agrees_with_what_stands_here(loan):
    bank, _firm, drawdown = loan
    confirm_payout(bank, drawdown)
    bank.repay(drawdown, 10_000, on=dt.date(2026, 3, 15), reference="LS1", now=LATER)

    file = load(
        bank,
        f"放款,OUT-1,{drawdown.number},100000.00,2026-03-02",
        # The bank calls it otherwise than its people did here.
        f"还款,OTHER-1,{drawdown.number},10000.00,2026-03-15",
    )

    assert (file.matched, file.to_post, file.breaks.count()) == (2, 0, 0)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("还款,LS1,{number},9000.00,2026-03-15", "amount_differs"),
        ("还款,LS1,{number},10000.00,2026-03-14", "date_differs"),
        ("还款,LS1,FK-UNKNOWN,10000.00,2026-03-15", "missing_here"),
        ("放款,LS7,{number},10000.00,2026-03-15", "missing_here"),
    ],
)
def test_break_list_is_exact(loan, line, kind):
    bank, _firm, drawdown = loan
    bank.repay(drawdown, 10_000, on=dt.date(2026, 3, 15), reference="LS1", now=LATER)

    file = load(bank, line.format(number=drawdown.number))

    found = file.breaks.get()
    assert (found.kind, found.resolution, file.payments.get().state) == (kind, "", "break")


def test_break_shows_what_the_file_lacks_and_a_later_file_brings(loan):
    bank, _firm, drawdown = loan
    bank.repay(drawdown, 5_000, on=dt.date(2026, 3, 10), reference="LS1", now=LATER)
    bank.repay(drawdown, 6_000, on=dt.date(2026, 3, 11), reference="LS2", now=LATER)
    bank.repay(drawdown, 7_000, on=dt.date(2026, 3, 12), reference="LS3", now=LATER)
    head, tail = (f"还款,LS{n},{drawdown.number},{a}.00,2026-03-{d}" for n, a, d in ((1, 5000, 10), (3, 7000, 12)))

    first = load(bank, head, tail)
    found = first.breaks.get()
    assert (found.kind, found.repayment.reference) == ("missing_there", "LS2")

    load(bank, f"还款,LS2,{drawdown.number},6000.00,2026-03-11")

    found.refresh_from_db()
    assert found.resolution == ReconciliationBreak.Resolution.FOUND_LATER


def test_bank_file_names_wrong_rows_by_line(loan):
    bank, _firm, drawdown = loan
    file = load(
        bank,
        f"还款,LS1,{drawdown.number},一百,2026-03-15",
        f"还款,LS2,{drawdown.number},100.00,2026-03-15",
        f"转账,LS3,{drawdown.number},100.00,2026-03-15",
        f"还款,LS2,{drawdown.number},100.00,2026-03-15",
        f"还款,,{drawdown.number},100.00,2026-03-15",
        f"还款,LS5,{drawdown.number},100.00,2026-04-15",
    )

    assert [(one["line"], one["reason"]) for one in file.problems] == [
        (2, "no_amount"),
        (4, "no_kind"),
        (5, "reference_twice"),
        (6, "empty"),
        (7, "day_to_come"),
    ]
    assert (file.rows, file.refused, file.to_post) == (6, 5, 1)


def test_bank_file_that_contradicts_an_earlier_one_is_a_problem(loan):
    bank, _firm, drawdown = loan
    load(bank, f"还款,LS1,{drawdown.number},10000.00,2026-03-15")

    other = load(bank, f"还款,LS1,{drawdown.number},12000.00,2026-03-15")

    assert [one["reason"] for one in other.problems] == ["reference_contradicts"]
    assert not other.payments.exists()


def test_bank_file_that_is_no_table_takes_nothing(loan):
    bank, *_rest = loan

    file = load(bank, head="日期,金额")

    assert [(one["line"], one["reason"]) for one in file.problems] == [(0, "no_column")]
    assert (file.status, file.rows) == ("done", 0)


def test_bank_file_in_english_is_read(loan):
    bank, _firm, drawdown = loan
    file = load(
        bank,
        f"repayment,LS1,{drawdown.number},1000,2026-03-15,yes",
        head="Kind,Bank reference,Loan,Amount,Date,Early repayment",
    )

    assert (file.to_post, file.payments.get().is_early) == (1, True)


def test_bank_file_template_is_read_by_the_reader(loan):
    bank, *_rest = loan
    for english in (False, True):
        head, example = bank_files.template_file(english=english).strip("\ufeff\r\n").split("\r\n")
        file = load(bank, example, head=head)
        assert not file.problems


def test_bank_file_is_not_posted_by_who_loaded_it(loan):
    bank, _firm, drawdown = loan
    file = load(bank, f"还款,LS1,{drawdown.number},10000.00,2026-03-15")
    bank.organisation.memberships.filter(user=bank.maker).update(role=Membership.Role.CHECKER)

    with pytest.raises(bank_files.LoaderMayNotCheck):
        post(bank, file, by=bank.maker)
    with pytest.raises(bank_files.LoaderMayNotCheck):
        bank_files.refuse_bank_file(file=file, note="x", by=bank.maker, now=LATER)
    assert not Repayment.objects.exists()


def test_bank_file_is_for_those_whose_role_it_is(loan):
    bank, firm, drawdown = loan
    line = f"还款,LS1,{drawdown.number},10000.00,2026-03-15"
    with pytest.raises(OnlyMembersMay):
        load(bank, line, by=bank.checker)
    file = load(bank, line)
    with pytest.raises(OnlyMembersMay):
        post(bank, file, by=firm.owner)
    assert not BankFile.objects.visible_to(firm.owner).exists()


def test_bank_file_posts_the_rest_where_one_payment_cannot_be(loan):
    bank, _firm, drawdown = loan
    file = load(
        bank,
        f"还款,LS1,{drawdown.number},999999.00,2026-03-15",
        f"还款,LS2,{drawdown.number},10000.00,2026-03-16",
    )

    post(bank, file)

    assert list(Repayment.objects.values_list("reference", flat=True)) == ["LS2"]
    assert file.breaks.get().row.reference == "LS1"
    assert list(file.payments.order_by("line").values_list("state", flat=True)) == ["break", "posted"]


def test_bank_file_refused_counts_for_nothing_and_is_loaded_anew(loan):
    bank, _firm, drawdown = loan
    line = f"还款,LS1,{drawdown.number},10000.00,2026-03-15"
    file = load(bank, line)
    with pytest.raises(InputRefused):
        bank_files.refuse_bank_file(file=file, note=" ", by=bank.checker, now=LATER)
    bank_files.refuse_bank_file(file=file, note="Wrong month", by=bank.checker, now=LATER)
    with pytest.raises(bank_files.BankFileNotInStateForThis):
        post(bank, file)
    with pytest.raises(bank_files.BankFileNotInStateForThis):
        bank_files.refuse_bank_file(file=file, note="Again", by=bank.checker, now=LATER)

    again = load(bank, line)

    assert again != file
    assert again.to_post == 1


def test_bank_file_waits_for_the_second_person(loan):
    bank, _firm, drawdown = loan
    load(bank, f"还款,LS1,{drawdown.number},10000.00,2026-03-15")

    assert Notification.objects.filter(user=bank.checker, event="bank_file.loaded").exists()


def test_break_is_settled_once_with_a_note(loan):
    bank, *_rest = loan
    found = load(bank, "还款,LS1,FK-UNKNOWN,10000.00,2026-03-15").breaks.get()
    settle = {"found": found, "by": bank.maker, "now": LATER}
    with pytest.raises(InputRefused):
        bank_files.settle_break(resolution="not_ours", note=" ", **settle)
    with pytest.raises(InputRefused):
        bank_files.settle_break(resolution="found_later", note="x", **settle)
    bank_files.settle_break(resolution="not_ours", note="Another system's", **settle)

    assert (found.resolution, found.resolved_by) == ("not_ours", bank.maker)
    with pytest.raises(bank_files.BreakAlreadySettled):
        bank_files.settle_break(resolution="accepted", note="x", **settle)


def test_break_is_corrected_here_only_when_it_is(loan):
    bank, _firm, drawdown = loan
    found = load(bank, f"还款,LS1,{drawdown.number},999999.00,2026-03-15")
    post(bank, found)
    found = found.breaks.get()
    settle = {"found": found, "resolution": "corrected_here", "note": "Booked", "by": bank.maker, "now": LATER}
    with pytest.raises(bank_files.NothingWasCorrected):
        bank_files.settle_break(**settle)
    BankFileRow.objects.filter(pk=found.row_id).update(amount=D(10_000))
    bank.repay(drawdown, 10_000, on=dt.date(2026, 3, 15), reference="LS1", now=LATER)
    found.row.refresh_from_db()

    bank_files.settle_break(**settle)

    assert found.resolution == "corrected_here"


def test_act_of_a_repayment_books_it(loan):
    bank, _firm, drawdown = loan
    act = OfflineAct.objects.expect(kind="repayment_received", drawdown=drawdown, due_by=LATER, at=LATER)
    said = {"reference": "LS1", "occurred_on": "2026-03-15", "amount": "10000"}
    offline_acts.record_act(act=act, said=said, by=bank.maker, now=LATER)

    offline_acts.confirm_act(act=act, by=bank.checker, now=LATER)

    assert Repayment.objects.get().status == "booked"


def test_act_of_a_payout_pays_the_loan_out(loan):
    bank, firm, drawdown = loan
    awaited = bank.approve(firm.draw(drawdown.line, 50_000))
    act = awaited.offline_acts.get()
    said = {"reference": "FK-9", "occurred_on": "2026-03-10", "amount": "50000"}
    offline_acts.record_act(act=act, said=said, by=bank.maker, now=LATER)

    offline_acts.confirm_act(act=act, by=bank.other_checker, now=LATER)

    awaited.refresh_from_db()
    assert awaited.status == Drawdown.Status.PAID_OUT


@pytest.mark.parametrize(
    ("model", "changes", "name"),
    [
        (BankFile, {"posting": "posted"}, "bank_file_is_posted_by_a_second_person"),
        (BankFileRow, {"amount": 0}, "bank_file_row_amount_is_positive"),
        (BankFileRow, {"state": "posted"}, "bank_file_row_posted_has_what_it_posted"),
        (ReconciliationBreak, {"row": None}, "break_is_about_something"),
        (ReconciliationBreak, {"resolution": "accepted"}, "break_resolved_says_by_whom_and_when"),
    ],
)
def test_bank_file_constraints_are_the_databases(loan, model, changes, name):
    bank, *_rest = loan
    load(bank, "还款,LS1,FK-UNKNOWN,10000.00,2026-03-15")

    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        model.objects.update(**changes)


def test_bank_file_posted_by_its_loader_is_refused_by_the_database(loan):
    bank, *_rest = loan
    load(bank, "还款,LS1,FK-UNKNOWN,10000.00,2026-03-15")

    with pytest.raises(IntegrityError, match="bank_file_is_posted_by_a_second_person"), transaction.atomic():
        BankFile.objects.update(posting="posted", checked_by=bank.maker, checked_at=LATER)


# Pages and API


def test_bank_file_goes_by_the_pages(client, loan, worker, django_capture_on_commit_callbacks):
    bank, _firm, drawdown = loan
    client.force_login(bank.maker)
    file = upload(f"还款,LS1,{drawdown.number},10000.00,2026-03-15", "还款,LS2,FK-UNKNOWN,10.00,2026-03-15")
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/bank/files/", {"bank": bank.organisation.pk, "file": file})
    assert answer.status_code == 302
    made = BankFile.objects.get()
    assert (made.status, made.to_post) == ("done", 1)
    page = client.get(answer.url).content.decode()
    assert "FK-UNKNOWN" in page
    assert client.post(f"/bank/files/{made.pk}/post/").status_code == 404

    client.force_login(bank.checker)
    assert client.post(f"/bank/files/{made.pk}/post/").status_code == 302
    found = made.breaks.get()
    assert client.get(f"/bank/breaks/{found.pk}/").status_code == 200
    said = {"resolution": "not_ours", "note": "Another system"}
    assert client.post(f"/bank/breaks/{found.pk}/", said).status_code == 302

    assert Repayment.objects.get().status == "booked"
    found.refresh_from_db()
    assert found.resolution == "not_ours"


def test_bank_file_pages_are_closed_to_strangers(client, loan):
    bank, firm, drawdown = loan
    file = load(bank, f"还款,LS1,{drawdown.number},10000.00,2026-03-15", "还款,LS2,FK-UNKNOWN,10.00,2026-03-15")
    client.force_login(firm.owner)

    for path in ("/bank/files/", f"/bank/files/{file.pk}/", "/bank/breaks/", f"/bank/breaks/{file.breaks.get().pk}/"):
        assert client.get(path).status_code == 404
    assert client.post(f"/bank/files/{file.pk}/post/").status_code == 404
    assert client.post(f"/bank/files/{file.pk}/refuse/", {"reason": "x"}).status_code == 404


def test_bank_file_template_is_handed_out(client, loan):
    client.force_login(loan[0].maker)

    assert "银行流水号" in client.get("/bank/files/template/").content.decode()


def test_breaks_are_handed_out_as_a_table_without_formulas(client, loan):
    bank, *_rest = loan
    load(bank, "还款,=1+1,FK-UNKNOWN,10.00,2026-03-15")
    client.force_login(bank.maker)

    answer = client.get("/bank/breaks/?format=csv")

    assert "'=1+1" in answer.content.decode()


@pytest.mark.parametrize("path", ["/bank/files/", "/bank/breaks/"])
def test_bank_file_lists_ask_as_often_for_three_rows_as_for_one(client, loan, count_queries, path):
    bank, *_rest = loan
    client.force_login(bank.maker)
    load(bank, "还款,LS1,FK-UNKNOWN,10.00,2026-03-15")
    one = count_queries(path)
    for number in (2, 3):
        load(bank, f"还款,LS{number},FK-UNKNOWN,10.00,2026-03-15")

    assert count_queries(path) == one


def test_bank_file_goes_by_the_api(client, loan, worker, django_capture_on_commit_callbacks):
    bank, _firm, drawdown = loan
    base = "/api/v1/finance"
    client.force_login(bank.maker)
    file = upload(f"还款,LS1,{drawdown.number},10000.00,2026-03-15", "还款,LS2,FK-UNKNOWN,10.00,2026-03-15")
    with django_capture_on_commit_callbacks(execute=True):
        made = client.post(f"{base}/bank-files/", {"bank": bank.organisation.pk, "file": file}).json()["id"]
    rows = client.get(f"{base}/bank-files/{made}/rows/").json()["results"]
    assert [row["state"] for row in rows] == ["to_post", "break"]
    assert client.post(f"{base}/bank-files/{made}/post/").status_code == 404

    client.force_login(bank.checker)
    assert client.post(f"{base}/bank-files/{made}/post/").json()["posting"] == "posted"
    found = client.get(f"{base}/breaks/?open=1").json()["results"][0]
    assert (found["kind"], found["there"]["amount"], found["here"]) == ("missing_here", "10.00", None)
    said = {"resolution": "not_ours", "note": "Another system"}
    assert client.post(f"{base}/breaks/{found['id']}/settle/", said).json()["resolution"] == "not_ours"
    assert client.post(f"{base}/breaks/{found['id']}/settle/", said).status_code == 409


def test_bank_file_waiting_is_rung_for_again(loan, worker):
    bank, _firm, drawdown = loan
    line = upload(f"还款,LS1,{drawdown.number},10000.00,2026-03-15")
    file = bank_files.load_bank_file(bank=bank.organisation, upload=line, by=bank.maker, now=LATER)

    ring_bank_files_again()
    file.refresh_from_db()
    assert file.status == "done"
    read_bank_file(file.pk)

    file.refresh_from_db()
    assert file.attempt == 1
