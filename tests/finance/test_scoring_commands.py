import json
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from finance.scoring.challengers import Tables, model_of
from finance.scoring.default import default_scorecard
from finance.scoring.scorecard import Scorecard
from tests.factories_invoices import SALES, write_csv, write_folder

DATA = os.environ.get("BENCH_DATA", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("invoices"))


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_train_scorecard_writes_a_card_that_scores_and_holds_no_firm(folder, tmp_path, capsys):
    out = tmp_path / "card.json"

    call_command("train_scorecard", folder, out=out, seeds=1)
    call_command("score_file", folder, scorecard=out, json=tmp_path / "scores.json")

    card = Scorecard.read(out)
    scores = {row["enterprise"]: row for row in read(tmp_path / "scores.json")}
    assert card.card["data"]["firms"] == 36
    assert card.card["data"]["defaults"] == 12
    assert card.card["figures"]["auc"]["value"] > 0.8
    assert '"E1"' not in out.read_text(encoding="utf-8")
    assert f"SHA-256 {card.sha256}" in capsys.readouterr().out
    assert scores["E1"]["score"] > scores["E36"]["score"]
    assert scores["E1"]["scorecard"] == card.sha256


def test_train_scorecard_is_the_same_each_time_and_takes_a_prior(folder, tmp_path):
    for name in ("one.json", "two.json"):
        call_command("train_scorecard", folder, out=tmp_path / name, prior=0.03, seeds=1)

    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert Scorecard.read(tmp_path / "one.json").prior == 0.03


def test_train_scorecard_writes_a_challenger_in_tables(folder, tmp_path):
    call_command("train_scorecard", folder, out=tmp_path / "tables.json", family="tables", seeds=1, prior=0.1)

    model = model_of(read(tmp_path / "tables.json"))
    assert isinstance(model, Tables)
    assert model.prior == 0.1
    assert model.card["learned"]["rounds"] > 0


def test_train_scorecard_refuses_what_it_cannot_learn_from(tmp_path):
    with pytest.raises(CommandError, match=r"holds no enterprises|holds no sales"):
        call_command("train_scorecard", tmp_path, out=tmp_path / "card.json")
    write_folder(tmp_path, sound=6, failing=2)
    with pytest.raises(CommandError, match="At least 5 defaults"):
        call_command("train_scorecard", tmp_path, out=tmp_path / "card.json")
    with pytest.raises(CommandError, match="--out: there is no folder"):
        call_command("train_scorecard", tmp_path, out=tmp_path / "none" / "card.json")
    with pytest.raises(CommandError, match="--prior"):
        call_command("train_scorecard", tmp_path, out=tmp_path / "card.json", prior=1.5)
    assert not (tmp_path / "card.json").exists()


def test_score_file_lists_each_firm_with_reasons_that_add_up(folder, tmp_path):
    out = tmp_path / "scores.json"

    call_command("score_file", folder, json=out)

    rows = read(out)
    assert [row["enterprise"] for row in rows] == [f"E{number + 1}" for number in range(36)]
    for row in rows:
        assert row["base"] + row["edge"] + sum(reason["points"] for reason in row["reasons"]) == row["score"]
        assert all(reason["zh"] and reason["en"] for reason in row["reasons"])
        assert 0 < row["pd"] < 1
        assert row["scorecard"] == default_scorecard().sha256


def test_score_file_does_not_move_when_the_future_is_deleted(folder, tmp_path):
    then = write_folder(tmp_path, months=18)
    call_command("score_file", folder, "--until=2018-03-31", json=tmp_path / "all.json")
    call_command("score_file", then, "--until=2018-03-31", json=tmp_path / "then.json")

    assert read(tmp_path / "all.json") == read(tmp_path / "then.json")


def test_score_file_scores_a_firm_without_invoices_honestly_and_reports_bad_rows(tmp_path, capsys):
    write_folder(tmp_path, sound=2, failing=1, gz=False)
    with (tmp_path / "enterprises.csv").open("a", encoding="utf-8") as file:
        file.write("E99,A,否\n")
    with (tmp_path / "sales.csv").open("a", encoding="utf-8") as file:
        file.write("E1,1,2019/13/1,B1,1,1,2,有效发票\n")

    call_command("score_file", tmp_path, json=tmp_path / "scores.json", problems=tmp_path / "bad.json")

    last = read(tmp_path / "scores.json")[-1]
    assert last["enterprise"] == "E99"
    assert [reason["feature"] for reason in last["reasons"]] == ["no_records"]
    assert [row["column"] for row in read(tmp_path / "bad.json")] == ["开票日期"]
    assert "开票日期: “2019/13/1” is no date; left out." in capsys.readouterr().err


def test_score_file_ignores_the_rating(tmp_path):
    folder = write_folder(tmp_path, sound=3, failing=2)
    call_command("score_file", folder, json=tmp_path / "one.json")
    write_csv(folder / "enterprises.csv", ["企业代号", "信誉评级"], [[f"E{number + 1}", "D"] for number in range(5)])

    call_command("score_file", folder, json=tmp_path / "two.json")

    assert read(tmp_path / "one.json") == read(tmp_path / "two.json")


def test_score_file_refuses_a_folder_or_card_it_cannot_read(folder, tmp_path):
    with pytest.raises(CommandError, match="holds no sales"):
        call_command("score_file", tmp_path)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("score_file", folder, scorecard=tmp_path / "none.json")
    with pytest.raises(CommandError, match="There is no folder"):
        call_command("score_file", folder, json=tmp_path / "none" / "scores.json")
    write_csv(tmp_path / "sales.csv", SALES[:-1], [])
    with pytest.raises(CommandError, match="no column 发票状态"):
        call_command("score_file", tmp_path)


def test_evaluate_credit_measures_with_intervals(folder, tmp_path, capsys):
    out = tmp_path / "figures.json"

    call_command("evaluate_credit", folder, json=out, seeds=1, quick=True)

    found = read(out)
    assert found["scorecard"]["firms"] == 36
    for measure in ("auc", "pr_auc", "ks", "brier", "log_loss", "calibration_slope"):
        assert found["scorecard"][measure]["low"] <= found["scorecard"][measure]["value"]
    assert "auc" in capsys.readouterr().out


def test_evaluate_credit_refuses_too_few_firms(tmp_path):
    write_folder(tmp_path, sound=12, failing=3)

    with pytest.raises(CommandError, match="At least 10 firms in default"):
        call_command("evaluate_credit", tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="BENCH_DATA names no folder with the data to measure on")
def test_scorecard_beats_the_figures_set_for_it(tmp_path):
    invoices = Path(DATA) / "sme_invoices"
    call_command("evaluate_credit", invoices, json=tmp_path / "all.json", quick=True)
    call_command("evaluate_credit", invoices, "--until=2018-12-31", json=tmp_path / "cut.json", quick=True)
    call_command("train_scorecard", invoices, out=tmp_path / "card.json")

    everything, cut = read(tmp_path / "all.json")["scorecard"], read(tmp_path / "cut.json")["scorecard"]
    assert everything["auc"]["value"] >= 0.90
    assert everything["brier"]["value"] <= 0.075
    assert cut["auc"]["value"] >= 0.86
    # The card that ships is the one that these records give.
    assert Scorecard.read(tmp_path / "card.json").card["data"] == default_scorecard().card["data"]
