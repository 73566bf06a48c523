from datetime import date

import pytest

from finance.scoring.features import NAMES
from finance.scoring.invoices import read_folder
from finance.scoring.leaks import as_the_cut_moves, leak_register
from finance.scoring.looks import looks_at
from tests.factories_invoices import write_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return read_folder(write_folder(tmp_path_factory.mktemp("invoices")))


def test_leak_register_names_every_feature_and_finds_nothing_from_the_future(folder):
    found = leak_register(folder.trades, [date(2018, 6, 30), date(2018, 12, 31)])

    assert [row["feature"] for row in found["features"]] == list(NAMES)
    assert found["values_changed_by_deleting_the_future"] == {"2018-06-30": 0, "2018-12-31": 0}


def test_cut_moves_back_and_says_where_there_is_too_little(folder):
    rows = as_the_cut_moves(folder.trades, folder.labels(), [date(2018, 12, 31), date(2016, 1, 1)], seeds=1)

    assert rows[0]["until"] == "2018-12-31"
    assert rows[0]["auc"]["value"] > 0.8
    assert rows[1] == {"until": "2016-01-01", "left_out": "too few firms of each kind have records by then"}


def test_looks_of_a_folder_are_those_of_its_firms(folder):
    table, values, seen = looks_at(folder.trades)

    assert table.firms == folder.trades.firms
    assert values.shape == (3, 36, len(NAMES))
    assert seen[0].all()
