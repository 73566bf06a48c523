import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from finance.management.commands.evaluate_warnings import judged, signs_at
from tests.finance.scoring.test_gaming import firm


def test_firm_that_stopped_selling_raises_a_serious_sign():
    trades = firm()
    sales = trades.where(trades.is_sale)
    later = int(sales.day.max()) + 200

    found = signs_at(sales, later)

    assert found[3] is True  # records stopped
    assert found[5] is True


def test_rules_are_told_for_sound_firms_and_bad_ones():
    one = firm("E1", seed=1)

    found = judged(one, np.array([0]))

    assert found["firms"] == 1
    assert [row["rule"] for row in found["rules"]][-1] == "plain rule: sales halved"


def write(folder, flags):
    head = "企业代号,发票号码,开票日期,{},金额,税额,价税合计,发票状态\n"
    rows = [
        f"{name},{place:08d},2019/{place % 12 + 1}/{place % 27 + 1},B{place % 3},100,13,113,有效发票"
        for name in flags
        for place in range(60)
    ]
    (folder / "sales.csv").write_text(head.format("购方单位代号") + "\n".join(rows) + "\n")
    (folder / "purchases.csv").write_text(head.format("销方单位代号") + "\n".join(rows) + "\n")
    said = "\n".join(f"{name},A,{flag}" for name, flag in flags.items())
    (folder / "enterprises.csv").write_text(f"企业代号,信誉评级,是否违约\n{said}\n")
    return folder


def test_command_writes_its_figures(tmp_path):
    folder = write(tmp_path, {"E1": "否", "E2": "是"})

    call_command("evaluate_warnings", folder, json=tmp_path / "out.json", stdout=StringIO())

    assert json.loads((tmp_path / "out.json").read_text())["firms"] == 2


def test_command_needs_firms_of_both_kinds(tmp_path):
    with pytest.raises(CommandError, match="are needed to compare"):
        call_command("evaluate_warnings", write(tmp_path, {"E1": "否"}), stdout=StringIO())
