"""What a validation pack is rebuilt from, section by section: each is what a command anyone can run prints."""

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from io import StringIO
from pathlib import Path

import numpy as np
from django.core.management import call_command

from finance.management.commands.evaluate_gaming import gaming_figures
from finance.management.commands.evaluate_late_payment import judged_file
from finance.management.commands.evaluate_reject_inference import judged as judged_refused
from finance.scoring.drift import simulate_alarms
from finance.scoring.evaluation import out_of_fold, scorecard_procedure
from finance.scoring.features import features_of
from finance.scoring.invoices import Folder
from finance.scoring.jeffreys import jeffreys_tests
from finance.scoring.learning import ScorecardLearner
from finance.scoring.looks import looks_at
from finance.scoring.migration import herfindahl
from finance.scoring.scorecard import Scorecard

CODE = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("numpy", "scipy", "scikit-learn", "lightgbm")
# (firms before, firms now, shift in standard deviations): the sizes that a young portfolio has.
SIZES = ((300, 100, 0.0), (300, 300, 0.0), (82, 40, 0.0), (300, 20, 0.0), (300, 300, 0.5), (300, 100, 0.5))
SIMULATIONS = 4000
BINS_OF_CURVE = 5


@dataclass(frozen=True)
class Sources:
    """What the figures are rebuilt from; ``seeds`` repeats the cross-validation."""

    folder: Path
    read: Folder
    card: Scorecard
    receivables: Path | None
    seeds: int
    is_quick: bool


def files_of(sources: Sources) -> list[dict]:
    """Return each file that the figures stand on, with its hash."""
    known = ("enterprises.csv", "purchases.csv", "sales.csv")
    found = [sources.folder / f"{name}{ending}" for name in known for ending in ("", ".gz")]
    paths = [path for path in found if path.is_file()] + ([sources.receivables] if sources.receivables else [])
    return [{"name": path.name, "sha256": _hash(path)} for path in paths]


def _hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def code() -> dict:
    """Return which state of the program computes: its commit, and whether files were changed since."""
    commit, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--", "finance")
    return {
        "commit": commit or "not under version control",
        "changed_since": bool(changed),
        "finance_sha256": _hash_of_code(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments
            ["git", "-C", str(CODE), *arguments],  # noqa: S607 - wherever it is installed
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _hash_of_code() -> str:
    """Return one hash of the maths that the figures come from."""
    digest = sha256()
    for folder in ("scoring", "authenticity"):
        for path in sorted((CODE / "finance" / folder).glob("*.py")):
            digest.update(f"{folder}/{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def credit(sources: Sources) -> dict:
    """Return what ``evaluate_credit`` says."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.json"
        options = {"json": out, "seeds": sources.seeds, "quick": sources.is_quick, "slow_rivals": False}
        call_command("evaluate_credit", sources.folder, stdout=StringIO(), **options)
        return json.loads(out.read_text(encoding="utf-8"))


def grades(sources: Sources) -> dict:
    """Return, from probabilities of models that never saw the firm: Jeffreys per grade, concentration and both curves."""
    table, values, seen = looks_at(sources.read.trades)
    labels = sources.read.labels()
    known = (labels >= 0) & (table.records > 0)
    labels = labels[known]
    chances = out_of_fold(scorecard_procedure(), values[:, known], labels, seen[:, known], seeds=sources.seeds)
    mean = chances.mean(axis=0)
    names = [sources.card.grade(float(chance)) for chance in mean]
    scale = [grade for grade, _highest in sources.card.grades]
    return {
        "jeffreys": [_rounded(test.to_dict()) for test in jeffreys_tests(names, mean.tolist(), (labels == 1).tolist())],
        "herfindahl": round(herfindahl([names.count(grade) for grade in scale]), 6),
        "curve": _curve(labels, mean),
        "calibration": _calibration(labels, mean),
    }


def _curve(labels: np.ndarray, chances: np.ndarray) -> list[list[float]]:
    """Return the points (share of good refused, share of bad refused) from the riskiest down."""
    order = np.argsort(-chances, kind="stable")
    bad, good = np.cumsum(labels[order]) / labels.sum(), np.cumsum(1 - labels[order]) / (1 - labels).sum()
    return [[0.0, 0.0], *([round(float(x), 4), round(float(y), 4)] for x, y in zip(good, bad, strict=True))]


def _calibration(labels: np.ndarray, chances: np.ndarray) -> list[dict]:
    """Return what was said and what came in five groups of equally many firms."""
    groups = np.array_split(np.argsort(chances, kind="stable"), BINS_OF_CURVE)
    return [
        {
            "firms": len(group),
            "said": round(float(chances[group].mean()), 6),
            "came": round(float(labels[group].mean()), 6),
        }
        for group in groups
    ]


def scorecard(sources: Sources) -> dict:
    """Return whether learning anew from the same data gives the same scorecard, number for number."""
    table, values, seen = looks_at(sources.read.trades)
    labels = sources.read.labels()
    known = (labels >= 0) & (table.records > 0)
    learned = ScorecardLearner(random_state=0).fit(values[:, known], labels[known], seen=seen[:, known])
    rebuilt = learned.scorecard(card={}).to_dict()
    ours = sources.card.to_dict()
    weights = {term["feature"]: term["weight"] for term in ours["terms"]}
    again = {term["feature"]: term["weight"] for term in rebuilt["terms"]}
    return {
        "sha256": sources.card.sha256,
        "learned_anew_is_the_same": rebuilt["terms"] == ours["terms"] and rebuilt["intercept"] == ours["intercept"],
        "largest_difference_of_a_weight": max(
            abs(weights.get(name, 0.0) - again.get(name, 0.0)) for name in {*weights, *again}
        ),
    }


def drift(_sources: Sources) -> dict:
    """Return how often each rule of drift raises an alarm, where nothing and where something moved."""
    return {"simulations": [simulate_alarms(*sizes, shift=shift, times=SIMULATIONS) for *sizes, shift in SIZES]}


def gaming(sources: Sources) -> dict:
    return gaming_figures(sources.card, sources.read.trades)


def refused(sources: Sources) -> dict:
    table = features_of(sources.read.trades)
    labels = sources.read.labels()
    known = (labels >= 0) & (table.records > 0)
    return judged_refused(table.values[known], labels[known])


def late_payment(sources: Sources) -> dict:
    if sources.receivables is None:
        return {"left_out": "no file of receivables was given"}
    return judged_file(sources.receivables).to_dict()


SECTIONS: dict[str, Callable[[Sources], dict]] = {
    "scorecard": scorecard,
    "credit": credit,
    "grades": grades,
    "drift": drift,
    "gaming": gaming,
    "refused": refused,
    "late_payment": late_payment,
}


def rebuild(sources: Sources, tell: Callable[[str], None] = sys.stdout.write) -> dict:
    """Return every section, rebuilt now."""
    sections = {}
    for name, build in SECTIONS.items():
        tell(f"{name} …")
        sections[name] = build(sources)
    return sections


def _rounded(row: dict) -> dict:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in row.items()}
