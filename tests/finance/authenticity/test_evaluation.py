import datetime as dt
import gzip
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from finance.authenticity.evaluation import false_alarms, recall, rule_of_thumb
from finance.authenticity.fakes import SCHEMES

FIRST = dt.date(2024, 1, 1)
HEADER = "企业代号,发票号码,开票日期,{},金额,税额,价税合计,发票状态"


@pytest.fixture
def book():
    dice = np.random.default_rng(3)
    return [
        {
            "id": n,
            "kind": "sales" if n % 2 else "purchases",
            "occurred_on": FIRST + dt.timedelta(n),
            "counterparty_code": f"{'BA'[n % 2]}{n % 7}",
            "net_amount": float(np.round(1000 * dice.uniform(0.8, 1.2), 2)),
            "total_amount": 0.0,
            "is_void": False,
            "number": str(9000 + 3 * n),
        }
        for n in range(730)
    ]


def test_every_fake_is_found_in_steady_books(book):
    found = recall({"E1": book}, seed=1)

    assert list(found) == list(SCHEMES)
    assert {name: one["found"]["hits"] for name, one in found.items()} == dict.fromkeys(SCHEMES, 1)


def test_steady_books_raise_no_alarm(book):
    ours = false_alarms({"E1": book})

    assert (ours["firms"], ours["looks"], ours["alarms"], ours["mean_discount"]) == (1, 3, {}, 0.0)
    assert false_alarms({"E1": book}, look=rule_of_thumb)["looks"] == 3


def test_recall_is_the_same_for_the_same_seed(book):
    assert recall({"E1": book}, seed=5) == recall({"E1": book}, seed=5)


def test_command_measures_a_folder(tmp_path, book, capsys):
    for kind, partner in (("sales", "购方单位代号"), ("purchases", "销方单位代号")):
        lines = [HEADER.format(partner)]
        for firm in ("E1", "E2"):
            lines += [
                f"{firm},{row['number']},{row['occurred_on']},{row['counterparty_code']},{row['net_amount']},0,{row['net_amount']},有效发票"
                for row in book
                if row["kind"] == kind
            ]
        (tmp_path / f"{kind}.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (tmp_path / "enterprises.csv").write_text("企业代号,是否违约\nE1,否\nE2,是\n", encoding="utf-8")

    call_command("evaluate_authenticity", str(tmp_path), "--json", str(tmp_path / "out.json"))

    result = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (result["firms"], result["false_alarms"]["ours"]["firms"]) == (1, 1)
    assert set(result["recall"]["ours"]) == set(SCHEMES)
    assert "rule of thumb" in capsys.readouterr().out


def test_command_says_what_a_folder_lacks(tmp_path):
    with pytest.raises(CommandError, match=r"no sales\.csv"):
        call_command("evaluate_authenticity", str(tmp_path))
