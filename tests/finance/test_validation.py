import datetime as dt
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from finance.scoring.pack import compare
from finance.services.validation import PackUnreadable, read_pack, seal_pack, write_pack
from tests.finance.scoring.test_late_payment import HEAD

INTERVAL = {"value": 0.9, "low": 0.8, "high": 0.95}
MEASURED = dict.fromkeys(("auc", "pr_auc", "ks", "brier", "log_loss", "calibration_slope"), INTERVAL) | {
    "firms": 82,
    "defaults": 18,
    "mean_pd": 0.2,
    "default_rate": 0.22,
}
DIFFERENCE = {"value": 0.02, "low": -0.01, "high": 0.05}
SECTIONS = {
    "scorecard": {"sha256": "ab", "learned_anew_is_the_same": True, "largest_difference_of_a_weight": 0.0},
    "credit": {
        "protocol": {"folds": 5, "seeds": 10},
        "scorecard": MEASURED,
        "beside": {"lightgbm": MEASURED | {"ours_minus_this": {"auc": DIFFERENCE, "brier": DIFFERENCE}}},
        "signs": {
            "features": [
                {
                    "feature": "void_sales",
                    "sign": 1,
                    "weight": 0.3,
                    "auc_alone": 0.7,
                    "gain_if_free": {"auc": 0.0},
                    "gain_if_left_out": {"auc": -0.01},
                }
            ]
        },
        "reasons": {
            "refits": 12,
            "share_of_firms": 0.8,
            "riskiest_firms": 40,
            "top_4_jaccard": 0.9,
            "top_1_agreement": 0.8,
        },
        "leaks": {
            "features": [{"feature": "void_sales", "known": "the day it is issued"}],
            "values_changed_by_deleting_the_future": {"2019-06-30": 0},
        },
        "cuts": [{"until": "2018-12-31", **MEASURED}, {"until": "2015-01-01", "left_out": "too few"}],
        "seconds": {"reading": 1.0},
    },
    "grades": {
        "jeffreys": [
            {
                "grade": "A",
                "firms": 60,
                "defaults": 2,
                "mean_probability": 0.03,
                "low": 0.01,
                "high": 0.1,
                "p_low": 0.4,
                "light": "green",
            }
        ],
        "herfindahl": 0.2,
        "curve": [[0, 0], [0.5, 1], [1, 1]],
        "calibration": [{"firms": 16, "said": 0.1, "came": 0.2}],
    },
    "drift": {
        "simulations": [
            {"reference": 300, "current": 100, "shift": 0.0, "critical_value": 0.04, "fixed_0_10": 0.6},
        ]
    },
    "gaming": {
        "attacks": [
            {
                "attack": "circular_sales",
                "looks": True,
                "mean": -2.0,
                "low": -3.0,
                "high": 1.0,
                "percentile_95": 3.0,
                "half_grade": 20.0,
                "share_reaching_half_a_grade": 0.01,
            }
        ]
    },
    "refused": {
        "refused": 33,
        "true_rate_of_refused": 0.45,
        "range": [0.33, 0.63],
        "methods": [{"method": "fuzzy", "refused_rate": 0.35, "auc_of_all": 0.95}],
    },
    "late_payment": {"left_out": "no file of receivables was given"},
}
CODE = {"commit": "abc", "changed_since": False, "finance_sha256": "cd"}


@pytest.fixture
def pack(now):
    return seal_pack(
        sections=json.loads(json.dumps(SECTIONS)),
        files=[{"name": "sales.csv", "sha256": "ef"}],
        code=CODE,
        made_at=now,
    )


def test_pack_is_written_with_reports_in_both_languages(pack, tmp_path):
    written = write_pack(pack, tmp_path / "pack")

    assert [path.name for path in written] == [
        "pack.json",
        "report.zh.html",
        "report.zh.pdf",
        "report.en.html",
        "report.en.pdf",
    ]
    page = (tmp_path / "pack" / "report.en.html").read_text()
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert page.count("<svg") == 5
    assert (tmp_path / "pack" / "report.zh.pdf").read_bytes().startswith(b"%PDF")


def test_pack_is_read_back_as_it_was_signed(pack, tmp_path):
    write_pack(pack, tmp_path)

    assert read_pack(tmp_path) == read_pack(tmp_path / "pack.json", key=pack["seal"]["public_key"].upper()) == pack


def test_pack_in_which_a_figure_was_changed_is_refused(pack, tmp_path):
    pack["pack"]["sections"]["credit"]["scorecard"]["auc"]["value"] = 0.99
    write_pack(pack, tmp_path)

    with pytest.raises(PackUnreadable, match="changed after it was signed"):
        read_pack(tmp_path)


def test_pack_of_another_key_is_refused(pack, tmp_path):
    write_pack(pack, tmp_path)

    with pytest.raises(PackUnreadable, match="signed by another key"):
        read_pack(tmp_path, key="00" * 32)


@pytest.mark.parametrize("text", ["{}", "no json", '{"pack": {"format": "x"}, "seal": {}}'])
def test_file_that_is_no_pack_is_refused(tmp_path, text):
    (tmp_path / "pack.json").write_text(text)

    with pytest.raises(PackUnreadable):
        read_pack(tmp_path)


def test_figures_that_only_say_how_long_it_took_are_not_compared(pack):
    other = json.loads(json.dumps(pack))
    other["pack"]["sections"]["credit"]["seconds"]["reading"] = 9.0

    assert all(row.matches for row in compare(pack["pack"], other["pack"]))


def test_figure_that_differs_is_named_by_its_path(pack):
    other = json.loads(json.dumps(pack))
    other["pack"]["sections"]["grades"]["herfindahl"] = 0.3

    assert [row.path for row in compare(pack["pack"], other["pack"]) if not row.matches] == [
        "sections.grades.herfindahl"
    ]


def test_command_needs_a_place_or_a_pack(tmp_path):
    with pytest.raises(CommandError, match="--out"):
        call_command("validation_pack", tmp_path)


def test_command_finds_a_changed_pack_before_it_rebuilds_anything(pack, tmp_path):
    pack["pack"]["data"] = []
    write_pack(pack, tmp_path)

    with pytest.raises(CommandError, match="changed after it was signed"):
        call_command("validation_pack", tmp_path, check=tmp_path)


def late_file(tmp_path, *, with_habits=True):
    """Write settled invoices of payers with habits of their own, or of payers who pay as it happens."""
    rows = []
    for place in range(420):
        payer, habit = place % 20, (place % 20) * 3 - 40 if with_habits else place * 7919 % 41 - 20
        issued = place // 20 * 25
        settled = issued + max(0, 30 + habit + place % 7)
        sent = "Paper" if place % 3 else "Electronic"
        rows.append(f"P{payer},{place},{date(issued)},{date(issued + 30)},{50 + place % 9},{date(settled)},{sent}")
    path = tmp_path / "invoices.csv"
    path.write_text(HEAD + "\n".join(rows) + "\n")
    return path


def date(days):
    return (dt.date(2024, 1, 1) + dt.timedelta(days=days)).isoformat()


def test_evaluate_late_payment_prints_and_writes_its_figures(tmp_path):
    out, written = StringIO(), tmp_path / "figures.json"

    call_command("evaluate_late_payment", late_file(tmp_path), json=written, stdout=out)

    figures = json.loads(written.read_text())
    assert set(figures["models"]) == {"late_payment", "past_share", "base_rate", "boosting"}
    assert figures["models"]["late_payment"]["auc"]["low"] <= figures["models"]["late_payment"]["auc"]["value"]
    assert "this model" in out.getvalue()


def test_train_late_payment_writes_nothing_that_is_no_better(tmp_path):
    path = late_file(tmp_path, with_habits=False)

    with pytest.raises(CommandError, match="Not written"):
        call_command("train_late_payment", path, out=tmp_path / "model.json", stdout=StringIO())

    assert not (tmp_path / "model.json").exists()


def test_commands_name_the_file_that_is_missing(tmp_path):
    for command, options in (
        ("evaluate_late_payment", {}),
        ("train_late_payment", {"out": tmp_path / "x"}),
        ("evaluate_gaming", {}),
    ):
        with pytest.raises(CommandError, match="nowhere"):
            call_command(command, tmp_path / "nowhere", stdout=StringIO(), **options)
