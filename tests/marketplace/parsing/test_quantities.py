import pytest

from marketplace.parsing.codes import Claims
from marketplace.parsing.figures import read_number
from marketplace.parsing.folding import fold
from marketplace.parsing.quantities import find_quantities, find_quantity


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500 只", (500, "piece")), ("500pcs", (500, "piece")), ("５００只", (500, "piece")), ("20 吨", (20, "t")), ("3万米", (30_000, "m")),
        ("1.5k pcs", (1500, "piece")), ("2,000 kg", (2000, "kg")), ("一百台", (100, "piece")), ("两千五百套", (2500, "set")),
        ("1.2 亿只", (120_000_000, "piece")), ("two hundred pcs", (200, "piece")), ("5万㎡", (50_000, "m2")), ("1w只", (10_000, "piece")),
        ("300 吨/月", (300, "t/month")), ("月产200吨", (200, "t/month")), ("年产5万吨", (50_000, "t/year")), ("10 t per month", (10, "t/month")),
        ("500 sets", (500, "set")), ("50 drums", (50, "drum")), ("5000匹", (5000, "bolt")), ("2000 平方米·月", (2000, "m2·month")),
        ("800机时", (800, "hour")), ("10-20吨", (20, "t")), ("3-5万米", (50_000, "m")), ("2吨至5吨", (5, "t")),
    ],
)  # fmt: skip
def test_find_quantity_reads_an_amount(text, amount):
    assert find_quantity(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "一个月",
        "30天",
        "10个工作日",
        "三方检测",
        "1.5米宽",
        "扬程20米",
        "层高9米",
        "一台阶",
        "100包装",
        "20度以上",
        "DN50",
        "第一批次",
    ],
)
def test_find_quantity_leaves_what_counts_no_goods(text):
    assert find_quantity(text) is None


@pytest.mark.parametrize(
    "text",
    ["MOQ 100 pcs", "起订量100只", "最小起订 100只", "100只起订", "minimum order 100 pcs", "min. order qty: 100 pcs"],
)
def test_find_quantities_knows_a_minimum_order(text):
    folded = fold(text)
    (quantity,) = find_quantities(folded, Claims(len(folded.text)))

    assert (quantity.value, quantity.unit, quantity.is_minimum) == (100, "piece", True)


def test_find_quantities_tells_a_package_from_an_amount():
    folded = fold("25kg/袋, 共 20吨")
    package, amount = find_quantities(folded, Claims(len(folded.text)))

    assert package.is_package
    assert not amount.is_package
    assert (amount.value, amount.unit, amount.has_cue) == (20, "t", True)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("零", 0), ("十", 10), ("十五", 15), ("二十", 20), ("一百零五", 105), ("两千五", 2500), ("三万二", 32_000), ("一亿二千万", 120_000_000),
        ("二〇二六", 2026), ("半", 0.5), ("12,345.5", 12_345.5), ("3千", 3000), ("half a", 0.5), ("万", None), ("abc", None), ("", None),
    ],
)  # fmt: skip
def test_read_number_reads_figures_and_words(text, number):
    assert read_number(text) == number
