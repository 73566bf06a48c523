import gzip
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

FILES = {
    "supplies.csv": "id,quantity,minimum\ns1,10,0\ns2,5.5,2\n",
    "demands.csv": "id,quantity,splittable\nd1,12.25,1\nd2,3,0\n",
    "pairs.csv": "demand,supply,value\nd1,s1,0.9\nd1,s2,0.5\nd2,s2,0.8\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def run(folder, out, **options):
    printed = StringIO()
    call_command("clear_market", str(folder), json=out, stdout=printed, **options)
    return printed.getvalue()


def test_clear_market_writes_what_goes_where_beside_its_bound(folder):
    out = folder / "out.json"

    printed = run(folder, out)

    document = json.loads(out.read_text())
    assert list(document) == ["fill", "value", "bound", "seconds", "allocations"]
    assert document["allocations"] == [
        {"demand": "d1", "supply": "s1", "quantity": 10.0},
        {"demand": "d1", "supply": "s2", "quantity": 2.25},
        {"demand": "d2", "supply": "s2", "quantity": 3.0},
    ]
    assert document["value"] == pytest.approx(12.525)
    assert document["value"] <= document["bound"] <= 12.53
    assert document["fill"] == pytest.approx(1.0)
    assert 0 < document["seconds"] < 10
    assert "2 demands, 2 supplies, 3 pairs: 3 allocations" in printed


def test_clear_market_reads_gzip_columns_in_any_order_and_an_empty_minimum(folder):
    (folder / "supplies.csv").unlink()
    with gzip.open(folder / "supplies.csv.gz", "wt") as file:
        file.write("\ufeffminimum,name,id,quantity\n,one,s1,10\n2,two,s2,5.5\n")

    run(folder, folder / "out.json")

    assert len(json.loads((folder / "out.json").read_text())["allocations"]) == 3


def test_clear_market_of_no_pairs_fills_nothing(folder):
    (folder / "pairs.csv").write_text("demand,supply,value\n")

    run(folder, folder / "out.json")

    document = json.loads((folder / "out.json").read_text())
    assert (document["fill"], document["value"], document["bound"], document["allocations"]) == (0, 0, 0, [])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("supplies.csv", None, "supplies.csv is missing"),
        ("supplies.csv", "", "supplies.csv, line 1: the columns id, quantity, minimum are needed, not so: id"),
        (
            "supplies.csv",
            "id,quantity\ns1,1\n",
            "line 1: the columns id, quantity, minimum are needed, not so: minimum",
        ),
        (
            "supplies.csv",
            "id,quantity,minimum\ns1,-1,0\n",
            "supplies.csv, line 2: quantity must be a number of 0 or more",
        ),
        ("supplies.csv", "id,quantity,minimum\ns1,nan,0\n", "supplies.csv, line 2: quantity must be a number"),
        ("supplies.csv", "id,quantity,minimum\ns1,1,0\ns1,1,0\n", "supplies.csv, line 3: the id 's1' comes twice"),
        ("supplies.csv", "id,quantity,minimum\ns1,1\n", "supplies.csv, line 2: 3 values are needed, got 2"),
        ("demands.csv", "id,quantity,splittable\nd1,1,1\n,1,1\n", "demands.csv, line 3: the id is empty"),
        (
            "demands.csv",
            "id,quantity,splittable\nd1,ten,1\n",
            "line 2: quantity must be a number of 0 or more, not 'ten'",
        ),
        ("demands.csv", "id,quantity,splittable\nd1,1,maybe\n", "line 2: splittable is 'maybe': 0 or 1 is needed"),
        ("pairs.csv", "demand,supply,value\nd9,s1,1\n", "pairs.csv, line 2: demand is 'd9': no demand has this id"),
        ("pairs.csv", "demand,supply,value\nd1,s9,1\n", "pairs.csv, line 2: supply is 's9': no supply has this id"),
        ("pairs.csv", "demand,supply,value\nd1,s1,-1\n", "pairs.csv, line 2: value must be a number of 0 or more"),
        (
            "pairs.csv",
            "demand,supply,value\nd1,s1,1\nd1,s1,2\n",
            "pairs.csv, line 3: the same pair has another value before",
        ),
    ],
)
def test_clear_market_names_file_and_line_of_a_fault_and_writes_nothing(folder, name, text, message):
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)

    with pytest.raises(CommandError) as caught:
        run(folder, folder / "out.json")

    assert message in str(caught.value)
    assert not (folder / "out.json").exists()


def test_clear_market_says_that_a_file_is_no_text(folder):
    (folder / "pairs.csv").write_bytes(b"demand,supply,value\n\xff\xfe\n")

    with pytest.raises(CommandError, match=r"pairs\.csv cannot be read"):
        run(folder, folder / "out.json")


def test_clear_market_refuses_a_dial_beyond_its_range(folder):
    with pytest.raises(CommandError, match="--dial"):
        run(folder, folder / "out.json", dial=2)
