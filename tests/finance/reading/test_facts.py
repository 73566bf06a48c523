import datetime as dt
from decimal import Decimal

import pytest

from finance.reading.batches import batch_root
from finance.reading.facts import Fact, Keys, read_facts
from finance.reading.layouts import KINDS, LAYOUTS, find_columns, template
from finance.reading.problems import FileRefused, Problem
from finance.vouchers.merkle import leaf_hash, node_hash

D = Decimal
TODAY = dt.date(2026, 3, 2)
HEADER = "企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态"


def read(*rows, kind="sales", header=HEADER, firm=""):
    return list(read_facts("\n".join([header, *rows]).encode(), kind, today=TODAY, firm=firm))


def test_invoice_is_read_with_its_void_state_and_sign():
    sale, void = read("E1,7,2017/8/4,B03711,-9401.71,-1598.29,-11000.0,有效发票", "E1,8,2017/8/4,B1,1,0,1, 作废发票")

    assert (sale.number, sale.occurred_on, sale.counterparty_code) == ("7", dt.date(2017, 8, 4), "B03711")
    assert (sale.net_amount, sale.tax_amount, sale.total_amount) == (D("-9401.71"), D("-1598.29"), D("-11000.00"))
    assert (sale.is_void, void.is_void) == (False, True)


def test_row_says_what_it_lacks():
    rows = read(
        "E1,,2017/8/4,B1,1,0,1,有效发票",
        "E1,8,2017/13/4,B1,1,0,1,有效发票",
        "E1,9,2027/1/4,B1,1,0,1,有效发票",
        "E1,10,2017/8/4,B1,eins,0,1,有效发票",
        "E1,11,2017/8/4,B1,1,,,有效发票",
        "E1,12,2017/8/4,B1,1,1,1,有效发票",
        "E1,13,2017/8/4,B1,1,0,1,maybe",
        ",14,2017/8/4,B1,1,0,1,有效发票",
        "E1,15,2017/8/4,B1,1,0,1,有效发票,more",
        f"E1,{'9' * 61},2017/8/4,B1,1,0,1,有效发票",
    )

    assert [(row.line, row.field, row.reason) for row in rows] == [
        (2, "发票号码", "empty"),
        (3, "开票日期", "no_day"),
        (4, "开票日期", "day_to_come"),
        (5, "金额", "no_amount"),
        (6, "税额", "empty"),
        (7, "价税合计", "total_differs"),
        (8, "发票状态", "no_state"),
        (9, "企业代号", "no_firm"),
        (10, "", "too_many_cells"),
        (11, "发票号码", "too_long"),
    ]
    assert all(isinstance(row, Problem) and row.zh and row.en for row in rows)


def test_file_of_several_firms_needs_a_choice():
    rows = ["E1,7,2017/8/4,B1,1,0,1,有效发票", "E2,8,2017/8/4,B1,1,0,1,有效发票"]

    assert [row.number for row in read(*rows, firm="E2")] == ["8"]
    with pytest.raises(FileRefused) as refused:
        read(*rows)
    assert refused.value.problem.reason == "several_firms"


def test_file_without_a_column_is_refused_by_its_name():
    with pytest.raises(FileRefused) as refused:
        read("7,1", header="发票号码,金额")

    assert refused.value.problem.zh == "缺少列：开票日期、税额。"


def test_english_headings_do_as_well():
    (sale,) = read("7,2026-01-05,B1,100,13", header="Invoice Number,Date,Buyer,Net Amount,Tax")

    assert (sale.counterparty_code, sale.total_amount) == ("B1", D("113.00"))


def test_payment_has_a_direction_by_word_column_or_sign():
    word = read("2026-01-05,付,100", kind="payment", header="日期,收付,金额")
    column = read("2026-01-05,,100\n2026-01-06,50,", kind="payment", header="日期,收入金额,支出金额")
    sign = read("2026-01-05,-100", kind="payment", header="日期,金额")

    assert [(row.direction, row.total_amount) for row in [*word, *column, *sign]] == [
        ("out", D(100)),
        ("out", D(100)),
        ("in", D(50)),
        ("out", D(100)),
    ]
    (both,) = read("2026-01-05,1,1", kind="payment", header="日期,收入金额,支出金额")
    assert both.reason == "two_amounts"


def test_delivery_and_production_have_quantities():
    (sent,) = read("2026-01-05,发货,球阀,10,只,SO-1", kind="delivery", header="日期,收发,货物名称,数量,单位,订单号")
    (made,) = read("2026-01-05,球阀,10", kind="production", header="生产日期,产品,数量")
    (bad,) = read("2026-01-05,球阀,", kind="production", header="生产日期,产品,数量")

    assert (sent.direction, sent.quantity, sent.unit, sent.reference) == ("out", D(10), "只", "SO-1")
    assert (made.goods, made.quantity) == ("球阀", D(10))
    assert (bad.field, bad.reason) == ("数量", "empty")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("english", [True, False])
def test_template_of_each_kind_can_be_read(kind, english):
    columns = template(kind, english=english)
    header = ",".join(heading for heading, _example, _help in columns)

    (row,) = read(",".join(example for _heading, example, _help in columns), kind=kind, header=header)

    assert isinstance(row, Fact)
    found = find_columns([heading for heading, *_ in columns], kind).place
    assert ["firm", *found] == [column.field for column in LAYOUTS[kind]]


def test_column_of_firms_may_stay_empty():
    rows = read(",7,2017/8/4,B1,1,0,1,有效发票", "E1,8,2017/8/4,B1,1,0,1,有效发票", ",9,2017/8/4,B1,1,0,1,有效发票")

    assert [isinstance(row, Fact) for row in rows] == [True, True, False]


def test_hash_says_all_and_whose_it_is():
    sale, other = read("E1,7,2017/8/4,B1,1,0,1,有效发票", "E1,7,2017/8/4,B1,1,0,1,作废发票")

    assert sale.sha256("A") == sale._replace(line=99).sha256("A")
    assert len({sale.sha256("A"), sale.sha256("B"), other.sha256("A")}) == 3
    assert list(sale.content("A")) == sorted(sale.content("A"))
    assert set(sale.content("A")) == {*Fact._fields, "firm"} - {"line"}


def test_equal_rows_without_a_number_are_two_facts():
    keys = Keys()

    assert [keys.key("ab", number=number) for number in ("", "", "1", "1")] == ["ab", "ab#2", "ab", "ab"]


def test_batch_has_the_root_of_its_hashes():
    first, second = "11" * 32, "22" * 32

    assert batch_root([first, second]) == node_hash(leaf_hash(b"\x11" * 32), leaf_hash(b"\x22" * 32)).hex()
