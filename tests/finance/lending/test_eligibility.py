from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from finance.lending.eligibility import FirmFacts, fit, judge, most_allowed

D = Decimal
RULES = {
    "min_score": 600,
    "min_grade": "B",
    "min_months_of_records": 6,
    "min_sales_per_year": "5000000",
    "max_percent_of_sales": 30,
    "regions": ["33"],
    "industries": ["C34"],
    "needs_guarantee": True,
    "needs_core_enterprise": True,
}
GOOD = FirmFacts(
    score=640,
    grade="A",
    months=12,
    sales=D(12_000_000),
    region="331083",
    industry="C344",
    has_guarantee=True,
    has_programme=True,
)
BAD = FirmFacts(score=550, grade="C", months=2, sales=D(1_000_000), region="440300", industry="F51")
GRADES = ("A", "B", "C")


def met(rules, facts, **options):
    return {ground.code: ground.is_met for ground in judge(rules, facts, grades=GRADES, **options)}


def test_judge_says_of_each_rule_whether_it_is_met():
    assert met(RULES, GOOD, amount=D(3_000_000)) == dict.fromkeys((*RULES,), True)
    assert met(RULES, BAD, amount=D(3_000_000)) == dict.fromkeys((*RULES,), False)


def test_judge_says_what_is_missing_in_both_languages():
    grounds = {ground.code: (ground.zh, ground.en) for ground in judge(RULES, BAD, grades=GRADES)}

    assert grounds["min_score"] == ("信用分 550，要求 600，还差 50 分", "Score 550, 600 needed: 50 points are missing")
    assert grounds["min_grade"] == ("信用等级 C，要求 B，差 1 级", "Grade C, B needed: 1 grade below")
    assert grounds["min_sales_per_year"] == (
        "近 12 个月销售额 100 万元，要求 500 万元，还差 400 万元",
        "Sales of CNY 1 million in 12 months, CNY 5 million needed: CNY 4 million are missing",
    )


def test_judge_without_rules_asks_nothing():
    assert judge({}, BAD) == []


def test_judge_knows_no_firm_without_a_score():
    assert met({"min_score": 600, "min_grade": "B"}, FirmFacts()) == {"min_score": False, "min_grade": False}


def test_judge_refuses_a_grade_without_a_price():
    assert met({}, BAD, priced=("A", "B")) == {"priced": False}
    assert met({}, GOOD, priced=("A", "B")) == {}


def test_most_allowed_is_a_share_of_sales_up_to_the_product():
    assert most_allowed(RULES, GOOD, D(8_000_000)) == D("3600000.00")
    assert most_allowed(RULES, GOOD, D(1_000_000)) == D(1_000_000)
    assert most_allowed({}, BAD, D(8_000_000)) == D(8_000_000)


def test_fit_prefers_the_cheaper_of_two_alike():
    grounds = judge(RULES, GOOD, grades=GRADES)

    def points(rate):
        return sum(reason["points"] for reason in fit(grounds, rate_bp=rate, most=D(3_000_000), facts=GOOD))

    assert points(360) > points(420)


@given(st.integers(0, 900), st.integers(0, 48), st.integers(0, 10**10), st.integers(1, 2000))
def test_fit_stays_within_a_hundred_and_more_of_anything_is_never_worse(score, months, sales, rate):
    facts = FirmFacts(score=score, grade="B", months=months, sales=D(sales), region="331083", industry="C34")
    better = FirmFacts(score=score + 1, grade="B", months=months + 1, sales=D(sales), region="331083", industry="C34")
    rules = {"min_score": 600, "min_months_of_records": 6}

    def points(of):
        grounds = judge(rules, of)
        return sum(reason["points"] for reason in fit(grounds, rate_bp=rate, most=D(1_000_000), facts=of))

    assert 0 <= points(facts) <= 100.3
    assert points(better) >= points(facts) - 0.2
    assert sum(met(rules, better).values()) >= sum(met(rules, facts).values())
