"""How firms and parks write of places to work in, and what is read from each."""

from datetime import date
from pathlib import Path

import pytest

from marketplace.parsing.catalogue import load_catalogue
from marketplace.parsing.drafts import read_draft

CATALOGUE = load_catalogue(Path(__file__).parents[3] / "marketplace" / "data" / "categories")

# fmt: off
SENTENCES = [
    ("求租台州 5000 平米单层厂房，层高≥9米，配电800kVA，距高速10公里内，租金不超过25元/平米/月",
     "space.workshop", {"structure": "single_storey", "height": 9, "power": 800, "km_motorway": 10}),
    ("台州湾园区出租单层厂房 12000 m2，净高 10 m，地面承重 3 t/m2，供电 1000 kVA，行车吨位 10 t，丙二类消防，距高速 4 km，距港口 18 km，宿舍 120 床",
     "space.workshop", {"structure": "single_storey", "height": 10, "floor_load": 3, "power": 1000, "crane": 10, "fire": "fire_class_c2", "km_motorway": 4, "km_port": 18, "dormitory": 120}),
    ("Looking for a workshop of 3000 m2 in Taizhou, clear height at least 8 m, floor loading 2 T/m2, power 630 kVA, within 10 km of the motorway",
     "space.workshop", {"height": 8, "floor_load": 2, "power": 630, "km_motorway": 10}),
    ("求租厂房 2000 平米，需蒸汽供应 5 t/h，天然气供应 200 m3/h，日供水量 500 m3/天",
     "space.workshop", {"steam_flow": 5, "gas_supply": 200, "water_supply": 500}),
    ("出租冷库 2000 平米，最低库温 -18℃，净高 8 米，货梯 3 吨，押金 3 个月，免租期 2 个月",
     "space.cold_store", {"temperature_low": -18, "height": 8, "goods_lift": 3, "deposit_months": 3, "rent_free": 2}),
    ("Warehouse to let, 8000 m2, clear height 9 m, loading docks 12, sprinkler system",
     "space.warehouse", {"height": 9, "docks": 12, "sprinklers": True}),
    ("求购工业土地 50 亩，容积率 1.5，化工园区", "space.land", {"plot_ratio": 1.5, "chemical_park": True}),
    ("求租 C 级洁净厂房 1200 平米，供电容量 400 kVA，公共检测平台", "space.cleanroom", {"power": 400, "testing_lab": True}),
    ("出租危化品仓库 800 平米，甲类，净高 6 米，24 小时安保", "space.hazmat_warehouse", {"fire": "fire_class_a", "height": 6, "security": True}),
    ("Office to let, 600 m2, fitted, 0.5 km to the metro station, canteen", "space.office", {"fitted": "fitted", "canteen": True}),
]
# fmt: on


@pytest.mark.parametrize(("text", "category", "attributes"), SENTENCES)
def test_a_sentence_about_a_site_is_read(text, category, attributes):
    draft = read_draft({"text": text}, catalogue=CATALOGUE, today=date(2026, 11, 22), must_be_complete=False)

    read = draft.values["attributes"]
    assert draft.values["category"] == category
    assert {key: read.get(key) for key in attributes} == attributes
