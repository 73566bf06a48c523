from datetime import date

import numpy as np
import pytest

from finance.scoring.invoices import InvoicesUnreadable, read_folder
from finance.scoring.trades import day_number
from tests.factories_invoices import PURCHASES, SALES, write_csv, write_folder


def folder_with(tmp_path, sales, *, header=SALES, enterprises=None):
    write_csv(tmp_path / "sales.csv", header, sales)
    write_csv(tmp_path / "purchases.csv", PURCHASES, [])
    if enterprises is not None:
        write_csv(tmp_path / "enterprises.csv", enterprises[0], enterprises[1:])
    return tmp_path


def sale(number=1, *, firm="E1", day="2019/3/5", net="100", tax="13", state="有效发票"):
    return [firm, str(number), day, "B1", net, tax, "113", state]


def test_folder_reads_plain_and_gzipped_files_alike(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "gz").mkdir()

    plain = read_folder(write_folder(tmp_path / "plain", sound=2, failing=1, gz=False))
    gz = read_folder(write_folder(tmp_path / "gz", sound=2, failing=1, gz=True))

    assert plain.trades.firms == gz.trades.firms == ("E1", "E2", "E3")
    assert np.array_equal(plain.trades.net, gz.trades.net)
    assert plain.defaults == {"E1": 0, "E2": 0, "E3": 1}
    assert plain.bad_rows == []


def test_folder_reads_what_life_writes(tmp_path):
    rows = [
        sale(1, state=" 作废发票 "),
        sale(2, net="-50.5", tax="-6.57"),
        sale(3, net="1,000.25", tax="130.03"),
        sale(4, day="2019-03-06"),
        sale(5, day="2019-03-07T08:00:00"),
        sale(6, day="20190308"),
        sale(6, day="20190308"),
        [],
    ]

    read = read_folder(folder_with(tmp_path, rows))

    assert read.bad_rows == []
    assert read.repeated == 1
    assert sorted(read.trades.net.tolist()) == [-50.5, 100, 100, 100, 100, 1000.25]
    assert int(read.trades.is_void.sum()) == 1
    assert read.trades.last_day() == date(2019, 3, 8)


def test_folder_names_each_bad_row_by_line_column_and_reason(tmp_path):
    rows = [
        sale(1),
        sale(2, day="2019/2/30"),
        sale(3, net="abc"),
        sale(4, tax=""),
        sale(5, state="失控发票"),
        sale(6, firm=" "),
        ["E1", "7"],
        sale(8, net="1e30"),
    ]

    read = read_folder(folder_with(tmp_path, rows))

    found = sorted((row.line, row.column) for row in read.bad_rows)
    assert found == [(3, "开票日期"), (4, "金额"), (5, "税额"), (6, "发票状态"), (7, "企业代号"), (8, ""), (9, "金额")]
    assert {row.file for row in read.bad_rows} == {"sales.csv"}
    assert all(row.zh and row.en for row in read.bad_rows)
    assert len(read.trades) == 1


def test_folder_scores_firms_that_no_list_names_and_keeps_those_without_invoice(tmp_path):
    read = read_folder(folder_with(tmp_path, [sale(1, firm="E9")], enterprises=[["企业代号"], ["E1"]]))

    assert read.trades.firms == ("E1", "E9")
    assert read.labels().tolist() == [-1, -1]


def test_folder_leaves_out_later_invoices(tmp_path):
    read = read_folder(folder_with(tmp_path, [sale(1), sale(2, day="2019/3/6")]), until=date(2019, 3, 5))

    assert read.trades.day.tolist() == [day_number(date(2019, 3, 5))]


def test_folder_reads_gb18030_and_a_byte_order_mark(tmp_path):
    text = ",".join(SALES) + "\n" + ",".join(sale(1)) + "\n"
    (tmp_path / "sales.csv").write_bytes(text.encode("gb18030"))
    (tmp_path / "purchases.csv").write_bytes((",".join(PURCHASES) + "\n").encode("utf-8-sig"))

    assert len(read_folder(tmp_path).trades) == 1


def test_folder_reads_the_unlabelled_sister_only_when_asked(tmp_path):
    folder_with(tmp_path, [sale(1)])
    write_csv(tmp_path / "unlabelled_sales.csv", SALES, [sale(1, firm="E5")])
    write_csv(tmp_path / "unlabelled_purchases.csv", PURCHASES, [])

    assert read_folder(tmp_path).trades.firms == ("E1",)
    assert read_folder(tmp_path, prefix="unlabelled_").trades.firms == ("E5",)


def test_folder_is_unreadable_where_a_file_column_or_flag_is_wrong(tmp_path):
    with pytest.raises(InvoicesUnreadable, match=r"holds no sales\.csv"):
        read_folder(tmp_path)
    folder_with(tmp_path, [], header=[name for name in SALES if name != "税额"])
    with pytest.raises(InvoicesUnreadable, match=r"sales\.csv has no column 税额"):
        read_folder(tmp_path)
    folder_with(tmp_path, [sale()], enterprises=[["企业代号", "是否违约"], ["E1", "maybe"]])
    with pytest.raises(InvoicesUnreadable, match=r"line 2: 是否违约 is “maybe”"):
        read_folder(tmp_path)
    folder_with(tmp_path, [sale()], enterprises=[["企业代号"], ["E1"], ["E1"]])
    with pytest.raises(InvoicesUnreadable, match="E1 occurs twice"):
        read_folder(tmp_path)
    (tmp_path / "enterprises.csv").unlink()
    (tmp_path / "sales.csv").unlink()
    (tmp_path / "sales.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(InvoicesUnreadable, match=r"sales\.csv\.gz cannot be read"):
        read_folder(tmp_path)
