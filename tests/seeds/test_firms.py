import re

from stdnum.cn import uscc

from marketplace.parsing.industries import industries
from marketplace.parsing.regions import regions
from seeds.firms import make_firms, make_uscc, special_firms
from seeds.trades import trades


def test_firms_are_the_same_for_the_same_seed_and_others_for_another():
    assert make_firms(80, random_state=3) == make_firms(80, random_state=3)
    assert make_firms(80, random_state=3) != make_firms(80, random_state=4)


def test_firms_of_a_smaller_demo_are_the_first_of_a_larger_one():
    assert make_firms(120)[:60] == make_firms(60)


def test_firms_are_plainly_marked_as_demo():
    for firm in make_firms(320):
        assert firm.name_zh.endswith("（演示）")
        assert firm.name_en.endswith("(demo)")
        assert "DEM" in firm.uscc
        assert firm.contact_email.endswith("@demo.example.com")


def test_firms_have_valid_codes_places_and_industries():
    firms = make_firms(320)

    assert all(uscc.is_valid(firm.uscc) for firm in firms)
    assert all(firm.region in regions() and firm.industry in industries() for firm in firms)


def test_firms_are_each_there_once():
    firms = make_firms(2000)

    assert len({firm.name_zh for firm in firms}) == len({firm.uscc for firm in firms}) == 2000


def test_firms_trade_only_what_there_is():
    for firm in make_firms(320):
        assert set(firm.sells) | set(firm.buys) <= set(trades())


def test_firms_of_the_six_clusters_are_all_there():
    assert {firm.cluster for firm in make_firms(320)} == {
        "biomedicine", "chemicals_plastics", "industrial_services", "nev_parts", "pumps_valves", "tea", "textiles",
    }  # fmt: skip


def test_special_firms_are_the_parks_the_finance_the_studio_and_the_two_of_the_story():
    kinds = [(firm.kind, firm.key) for firm in special_firms()]

    assert kinds == [
        ("park_operator", "park"),
        ("park_operator", "park_daishan"),
        ("park_operator", "park_keqiao"),
        ("bank", "bank"),
        ("insurer", "insurer"),
        ("guarantor", "guarantor"),
        ("studio", "studio"),
        ("enterprise", "buyer"),
        ("enterprise", "seller"),
    ]


def test_rizhao_tea_comes_from_rizhao():
    makers = [firm for firm in make_firms(1000) if firm.industry == "1530" and "tea_leaf.rizhao_green" in firm.sells]

    assert makers
    assert {firm.region[:4] for firm in makers} == {"3711"}


def test_make_uscc_writes_eighteen_characters_of_the_standard():
    assert re.fullmatch(r"91331083DEM[0-9A-Z]{5}[0-9X][0-9A-Z]", make_uscc(29_000, "331083"))
    assert uscc.is_valid(make_uscc(29_000, "331083"))
