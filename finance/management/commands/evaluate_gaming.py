import json as json_module
from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from finance.authenticity.examine import examine
from finance.authenticity.facts import Facts
from finance.authenticity.findings import counted
from finance.scoring.default import default_scorecard
from finance.scoring.gaming import ATTACKS, fit_for_attack, gains
from finance.scoring.invoices import InvoicesUnreadable, read_folder
from finance.scoring.scorecard import Scorecard, ScorecardUnreadable
from finance.scoring.trades import Trades, day_of

NAMES = {
    "circular_sales": "circular sales",
    "bought_volume": "bought volume",
    "split_invoices": "split invoices",
}


class Command(BaseCommand):
    help = "Measure how many points fake trade of the last 60 days buys, with and without the looks at its genuineness."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="purchases.csv and sales.csv, plain or .gz")
        parser.add_argument("--scorecard", type=Path, metavar="FILE", help="default: the shipped one")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")

    def handle(self, *, folder, scorecard, json, **_options):
        try:
            card = Scorecard.read(scorecard) if scorecard else default_scorecard()
            trades = read_folder(folder).trades
        except (InvoicesUnreadable, ScorecardUnreadable, OSError) as error:
            raise CommandError(str(error)) from error
        figures = gaming_figures(card, trades)
        print_figures(self.stdout, figures)
        if json:
            json.write_text(json_module.dumps(figures, indent=1) + "\n", encoding="utf-8")


def gaming_figures(card: Scorecard, trades: Trades) -> dict:
    """Return the gains of every attack on every firm that can be attacked."""
    firms = [one for one in map(one_firm(trades), range(len(trades.firms))) if fit_for_attack(one)]
    if not firms:
        raise CommandError("No firm of this folder sold anything in the year before its latest invoice.")
    return {
        "scorecard": card.sha256,
        "faked": "20 % of a firm's sales of a year, within the last 60 days before its latest invoice",
        "attacks": [
            {
                **gains(card, firms, attack, weigh=weigh).to_dict(),
                "looks": weigh is not None,
            }
            for attack in ATTACKS
            for weigh in (None, weights_of)
        ],
    }


def one_firm(trades: Trades):
    """Return a function from a place in ``trades`` to the trades of that firm alone."""
    bounds = trades.bounds()

    def take(place: int) -> Trades:
        part = trades.where(slice(bounds[place], bounds[place + 1]))
        columns = [getattr(part, name) for name in ("is_sale", "day", "partner", "net", "tax", "is_void")]
        return Trades((trades.firms[place],), np.zeros(len(part), part.firm.dtype), *columns)

    return take


def weights_of(trades: Trades) -> np.ndarray:
    """Return how much each record counts after the looks that the product takes at it."""
    facts = Facts.of_trades(trades)
    weights = np.ones(len(trades))
    weights[facts.ids] = counted(facts, examine(facts, as_of=day_of(int(trades.day.max()))))
    return weights


def print_figures(out, figures: dict) -> None:
    out.write(figures["faked"])
    for row in figures["attacks"]:
        looks = "after the looks at genuineness" if row["looks"] else "without any look"
        out.write(
            f"  {NAMES[row['attack']]:16}{looks:32}mean {row['mean']:+7.2f} [{row['low']:+.2f}, {row['high']:+.2f}]   "
            f"95th percentile {row['percentile_95']:+7.2f}   half a grade ({row['half_grade']:.0f}) or more: "
            f"{row['share_reaching_half_a_grade']:.1%} of {row['firms']} firms"
        )
