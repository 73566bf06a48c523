"""Models, scores and a year of trade for tests."""

import datetime as dt

import factory
from django.db import connection

from finance.models import CreditAssessment, CutOffs, PromotionRule, Scorecard, TransactionRecord
from finance.runs import scorecards as registry
from finance.scoring.features import FEATURES
from tests.factories import NOON, OrganisationFactory, UserFactory


def card(weight: float = -0.6, *, intercept: float = -2.0, name: str = "test") -> dict:
    """Return a scorecard of three terms; two of different weights rank firms differently."""
    terms = {"sales_per_quarter": 8.0, "months_with_sales": 0.8, "void_sales": 0.05}
    declared = {feature.name: feature for feature in FEATURES}
    return {
        "format": "scorecard/1",
        "intercept": intercept,
        "prior": 0.12,
        "scale": {
            "points": 600.0,
            "odds": 20.0,
            "pdo": 40.0,
            "lowest": 300,
            "highest": 850,
            "lowest_pd": 0.0005,
            "highest_pd": 0.99,
        },
        "grades": [
            {"grade": "A", "highest_pd": 0.02},
            {"grade": "B", "highest_pd": 0.1},
            {"grade": "C", "highest_pd": 1.0},
        ],
        "terms": [
            {
                "feature": term,
                "sign": declared[term].sign,
                "scale": declared[term].scale,
                "low": 0.0,
                "high": 20.0 if declared[term].scale else 1.0,
                "mean": mean,
                "sd": 1.5 if declared[term].scale else 0.25,
                "weight": declared[term].sign * abs(weight),
            }
            for term, mean in terms.items()
        ],
        "card": {"name": name},
    }


def boosted() -> dict:
    """Return tables of boosted trees, which give no reasons."""
    said = card()
    return {name: said[name] for name in ("intercept", "prior", "scale", "grades")} | {
        "format": "tables/1",
        "tables": [{"feature": "void_sales", "edges": [0.04, 0.2], "steps": [-0.5, 0.1, 0.9], "unknown": 0.0}],
    }


class ScorecardFactory(factory.django.DjangoModelFactory):
    """A signed model of a tenant; ``bank=None`` is the platform's."""

    class Meta:
        model = Scorecard

    bank = None
    name = "Test"
    version = factory.Sequence(lambda n: n + 1)
    family = "logistic"
    content = factory.LazyAttribute(lambda row: card(name=f"test {row.version}"))
    status = Scorecard.Status.SERVING
    made_by = factory.SubFactory(UserFactory)
    made_at = NOON

    @classmethod
    def _create(cls, model_class, *args, **fields):
        row = model_class(*args, **fields)
        row.sha256 = registry.digest(row.content)
        row.signature = registry.sign(row)
        if row.status == Scorecard.Status.SERVING:
            row.served_from = row.served_from or NOON
        row.save(force_insert=True)
        return row


class AssessmentFactory(factory.django.DjangoModelFactory):
    """A finished assessment of a firm by the platform's model."""

    class Meta:
        model = CreditAssessment

    organisation = factory.SubFactory(OrganisationFactory)
    scorecard = factory.SubFactory(ScorecardFactory)
    status = CreditAssessment.Status.DONE
    requested_at = NOON
    started_at = NOON
    finished_at = NOON
    as_of = NOON
    score = 640
    probability = 0.024
    grade = "B"
    reasons = factory.LazyFunction(
        lambda: [
            {"feature": "base", "points": 600, "zh": "起点", "en": "What every firm starts with"},
            {"feature": "scale", "points": 55, "zh": "销售规模", "en": "Size of sales"},
            {"feature": "voids", "points": -15, "zh": "作废发票", "en": "Voided invoices"},
        ]
    )
    features = factory.LazyFunction(lambda: {"void_sales": 0.1})
    sha256 = "0" * 64


class CutOffsFactory(factory.django.DjangoModelFactory):
    """Cut-offs in force; ``confirmed_by=None, confirmed_at=None`` are proposed."""

    class Meta:
        model = CutOffs

    bank = factory.SubFactory(OrganisationFactory, kind="bank")
    scorecard = factory.SubFactory(ScorecardFactory)
    approve_from = 620
    refuse_below = 540
    why = "As the board decided"
    proposed_by = factory.SubFactory(UserFactory)
    proposed_at = NOON
    confirmed_by = factory.SubFactory(UserFactory)
    confirmed_at = NOON


class PromotionRuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = PromotionRule

    bank = factory.SelfAttribute("scorecard.bank")
    scorecard = factory.SubFactory(ScorecardFactory, status=Scorecard.Status.SHADOW)
    champion = factory.SubFactory(ScorecardFactory)
    metric = PromotionRule.Metric.AUC
    margin = 0.01
    minimum_firms = 20
    minimum_bad = 5
    why = "It ranks better in our own tests"
    model_made_by = factory.SelfAttribute("scorecard.made_by")
    made_by = factory.SubFactory(UserFactory)
    made_at = NOON


def tamper(sql: str) -> None:
    """Change rows as only who runs the database can: its triggers sleep meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")


def trade(organisation, *, until: dt.date = dt.date(2026, 2, 27), months: int = 12, a_month: int = 6, **fields) -> list:
    """Write a firm's sales and purchases of so many months before a day; return the rows."""
    rows = []
    for place in range(months * a_month):
        day = until - dt.timedelta(days=place * 30 // a_month)
        for kind, net in (("sales", 20000 + place % 7 * 1000), ("purchases", 12000 + place % 5 * 800)):
            rows.append(
                TransactionRecord(
                    **{
                        "organisation": organisation,
                        "kind": kind,
                        "source": "invoice",
                        "key": f"{kind}-{day}-{place}",
                        "number": f"{place:08d}",
                        "occurred_on": day,
                        "known_at": NOON - dt.timedelta(days=1),
                        "counterparty_code": f"{kind[0].upper()}{place % 9}",
                        "net_amount": net,
                        "tax_amount": round(net * 0.13, 2),
                        "total_amount": net + round(net * 0.13, 2),
                        "is_void": place % 20 == 19,
                        "sha256": registry.digest([organisation.pk, kind, place, str(day)]),
                    }
                    | fields
                )
            )
    return TransactionRecord.objects.bulk_create(rows)
