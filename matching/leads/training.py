"""The document in which a fitted model of leads is kept, with what was set by hand."""

import hashlib
import json

from matching.leads.features import HORIZON_DAYS
from matching.leads.model import Weights
from matching.leads.projects import PROJECT_FEATURES

# No economy knows calls: an order from us, what calls led to (log-odds as they are), a refusal.
BY_HAND = {"ours": (1.5, 0.0), "experience": (1.0, 0.0), "lost": (-2.5, 0.0)}
# Nobody has outcomes of building projects yet: (weight, usual value) by hand, until won and lost say better. A project
# that names the goods at the right stage nearby is nearly certain, one that is like it in words alone is not.
PROJECTS_BY_HAND = {
    "equipment": (3.5, 0.15),
    "words": (2.0, 0.05),
    "text": (1.5, 0.25),
    "industry": (0.3, -4.0),
    "stage": (3.0, 0.5),
    "ending": (-1.5, 0.1),
    "investment": (0.15, 9.0),
    "distance": (0.8, 0.3),
    "experience": (1.0, 0.0),
    "lost": (-2.5, 0.0),
}
PROJECTS_BIAS = -3.5


def to_document(firms: Weights, *, learnt_from: dict) -> dict:
    """Return what ``LeadModel.load`` reads: the fitted weights of firms, those of projects set by hand, a version."""
    rows = {
        name: {"weight": round(float(weight), 6), "usual": round(float(usual), 6)}
        for name, weight, usual in zip(firms.features, firms.weights, firms.usual, strict=True)
    }
    rows |= {name: {"weight": weight, "usual": usual} for name, (weight, usual) in BY_HAND.items()}
    document = {
        "horizon_days": HORIZON_DAYS,
        "learnt_from": learnt_from,
        "set_by_hand": {"firms": sorted(BY_HAND), "projects": list(PROJECT_FEATURES)},
        "firms": {"bias": round(firms.bias, 6), "weights": rows},
        "projects": {
            "bias": PROJECTS_BIAS,
            "weights": {
                name: {"weight": PROJECTS_BY_HAND[name][0], "usual": PROJECTS_BY_HAND[name][1]}
                for name in PROJECT_FEATURES
            },
        },
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    return {"version": f"leads-{digest[:10]}", **document}
