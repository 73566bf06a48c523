import csv
import gzip

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from matching.leads.counterparties import new_features, past_of, repeat_features
from matching.leads.counterparty_evaluation import evaluate_counterparties
from matching.leads.invoices import InvoicesUnreadable, read_invoices
from matching.leads.measures import interval, precision_at
from seeds.economy import simulate_economy

HEADS = ["企业代号", "发票号码", "开票日期", "销方单位代号", "金额", "税额", "价税合计", "发票状态"]


def write_invoices(folder, *, firms: int = 24, quarters: int = 12) -> None:
    """Firms of two kinds: each buys from the sellers of its kind, some every quarter, some now and then."""
    random = np.random.default_rng(5)
    with gzip.open(folder / "purchases.csv.gz", "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        for firm in range(firms):
            kind = firm % 2
            for quarter in range(quarters):
                year, month = 2017 + quarter // 4, 3 * (quarter % 4) + 1
                for seller in range(60):
                    always = (seller + firm) % 15 == 0
                    if seller % 2 == kind and (always or random.random() < 0.08):
                        day = f"{year}/{month + int(random.integers(3))}/{int(random.integers(1, 29))}"
                        writer.writerow([f"E{firm}", "1", day, f"A{seller}", 100, 13, 113, " 有效发票"])
        writer.writerow(["E0", "2", "2017/1/1", "A99", 100, 13, 113, "作废发票"])
        writer.writerow(["E0", "3", "2017/1/1", "A98", -100, -13, -113, "有效发票"])


def test_invoices_leave_out_what_is_void_or_paid_back(tmp_path):
    write_invoices(tmp_path)

    (invoices,) = read_invoices(tmp_path)

    assert not {"A98", "A99"} & set(invoices.sellers)
    assert (len(invoices.firms), invoices.whole_quarters()) == (24, 12)


def test_invoices_name_file_and_line_of_what_is_wrong(tmp_path):
    rows = [HEADS, ["E0", "1", "some day", "A1", "1", "0", "1", "有效发票"]]
    (tmp_path / "purchases.csv").write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")

    with pytest.raises(InvoicesUnreadable, match=r"purchases\.csv, line 2"):
        read_invoices(tmp_path)


def test_features_see_nothing_of_the_quarter_they_are_asked_about(tmp_path):
    write_invoices(tmp_path)
    (whole,) = read_invoices(tmp_path)
    seen = whole.day < whole.start_of(8)
    cut = type(whole)(
        whole.firms, whole.sellers, whole.firm[seen], whole.seller[seen], whole.day[seen], whole.quarter[seen],
        whole.amount[seen], whole.tax_rate[seen], whole.first_quarter,
    )  # fmt: skip

    for make in (repeat_features, new_features):
        for one, other in zip(make(past_of(whole, 8)), make(past_of(cut, 8)), strict=True):
            np.testing.assert_array_equal(one, other)


def test_evaluate_counterparties_beats_chance_on_firms_that_buy_alike(tmp_path):
    write_invoices(tmp_path)

    found = evaluate_counterparties(read_invoices(tmp_path), test_quarters=2)

    assert set(found) == {"repeat", "new", "all"}
    for measured in found.values():
        assert measured["model"]["low"] <= measured["model"]["precision@50"] <= measured["model"]["high"]
        assert measured["model"]["precision@50"] <= measured["ceiling"]["precision@50"]
    assert found["all"]["model"]["precision@50"] > found["all"]["random"]["precision@50"]


def test_evaluate_leads_measures_an_economy(tmp_path, capsys):
    call_command("simulate_economy", tmp_path, firms=500, random_state=4)
    out = tmp_path / "figures.json"

    call_command("evaluate_leads", tmp_path, json=out, queries=10)

    said = capsys.readouterr().out
    assert "firms that posted nothing like it" in said
    assert '"posted_nothing"' in out.read_text(encoding="utf-8")


def test_evaluate_leads_says_what_a_folder_lacks(tmp_path):
    with pytest.raises(CommandError, match="neither"):
        call_command("evaluate_leads", tmp_path)
    (tmp_path / "needs.csv").write_text("firm,category\n1,valve\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"firms\.csv is missing"):
        call_command("evaluate_leads", tmp_path)


def test_train_leads_writes_a_model_that_can_be_measured(tmp_path, capsys):
    call_command("simulate_economy", tmp_path, firms=500, random_state=5)

    call_command("train_leads", tmp_path, out=tmp_path / "model.json", queries=12)
    call_command("evaluate_leads", tmp_path, leads=tmp_path / "model.json", queries=5)

    assert "learnt from 12 supplies" in capsys.readouterr().out


def test_simulated_economy_is_the_same_for_one_random_state():
    one, again = (simulate_economy(60, days=200, random_state=2) for _ in range(2))

    assert (one.needs, one.supplies) == (again.needs, again.supplies)
    assert any(need.is_posted for need in one.needs)
    assert any(not need.is_posted for need in one.needs)


def test_precision_counts_hits_among_the_best():
    scores, hits = np.array([0.1, 0.9, 0.9, 0.5]), np.array([True, True, False, False])

    assert precision_at(scores, hits, depth=2) == 0.5


def test_interval_holds_the_mean_of_firms_that_differ():
    mean, low, high = interval([0.0, 0.2, 0.8, 1.0], ["a", "a", "b", "b"])

    assert low < mean < high
    assert mean == 0.5
