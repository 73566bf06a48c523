"""Let the demo's bank draw its lines, and put a model of its own in shadow beside the platform's."""

from collections.abc import Iterable
from datetime import datetime

from finance.models import Scorecard
from finance.scoring.default import default_scorecard
from finance.services.assessments import assess_at_once
from finance.services.promotions import make_rule
from finance.services.reads import NotConsented
from finance.services.scorecards import confirm_cut_offs, propose_cut_offs, put_in_shadow, upload_scorecard
from marketplace.models import Organisation, User

# What the bank says of its own customers: far fewer default than among the firms that the platform's model learned from.
OWN_RATE = 0.04
APPROVE_FROM, REFUSE_BELOW = 620, 540


def plant_models(
    bank: Organisation, firms: Iterable[Organisation], *, maker: User, checker: User, now: datetime
) -> Scorecard:
    """Draw the bank's lines, hand in its model with the rule it must pass, and score who lets it; return the model."""
    card = default_scorecard().with_prior(OWN_RATE)
    own = upload_scorecard(bank=bank, name="东海小微评分卡", content=card.to_dict(), by=maker, now=now)
    put_in_shadow(scorecard=own, by=maker, now=now)
    rule = {
        "metric": "brier",
        "margin": 0.005,
        "minimum_firms": 200,
        "minimum_bad": 15,
        "why": "按本行违约率校准后，概率应更接近实际。",
    }
    made = make_rule(scorecard=own, fields=rule, by=checker, now=now)
    lines = propose_cut_offs(
        bank=bank,
        scorecard=made.champion,
        approve_from=APPROVE_FROM,
        refuse_below=REFUSE_BELOW,
        why="2026 年风险偏好：通过线对应违约概率约 4 %。",
        by=maker,
        now=now,
    )
    confirm_cut_offs(cut_offs=lines, by=checker, now=now)
    for firm in firms:
        try:
            assess_at_once(organisation=firm, bank=bank, by=maker, now=now)
        except NotConsented:
            continue
    return own
