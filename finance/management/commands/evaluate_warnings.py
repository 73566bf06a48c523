import json as json_module
from pathlib import Path

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from finance.management.commands.evaluate_gaming import one_firm
from finance.scoring.invoices import InvoicesUnreadable, read_folder
from finance.scoring.trades import Trades
from finance.scoring.warnings import LEAST_SALES, SERIOUS, customers_lost, records_stopped, returns_rise, sales_drop

QUARTER = 91
LOOKS = 8
TIMES = 2000
KINDS = ("sales_drop", "counterparty_lost", "returns_rise", "records_stopped")


class Command(BaseCommand):
    help = "Count early signs at firms that defaulted later and at sound ones, quarter by quarter, beside a plain rule."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR", help="enterprises.csv, purchases.csv and sales.csv")
        parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here")

    def handle(self, *, folder, json, **_options):
        try:
            read = read_folder(folder)
        except (InvoicesUnreadable, OSError) as error:
            raise CommandError(str(error)) from error
        labels = read.labels()
        if not (labels == 1).any() or not (labels == 0).any():
            raise CommandError("Firms in default and sound ones are needed to compare.")
        figures = judged(read.trades, labels)
        self.stdout.write(
            f"{figures['looks']} looks at {figures['firms']} firms, a quarter apart; 95 % intervals by bootstrap over firms"
        )
        for row in figures["rules"]:
            told = "–" if row["ratio"] is None else f"{row['ratio']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
            self.stdout.write(
                f"  {row['rule']:32}sound firms {row['sound']:6.1%}   in default {row['bad']:6.1%}   ratio {told}"
            )
        if json:
            json.write_text(json_module.dumps(figures, indent=1) + "\n", encoding="utf-8")


def judged(trades: Trades, labels: np.ndarray) -> dict:
    """Return how often each rule raises a sign, per look, at sound firms and at those that defaulted.

    A default has no date in such data: a look long before it counts as much as one just before. So the ratio says that
    signs gather at firms that fail, not how early.
    """
    take = one_firm(trades)
    days = [int(trades.day.max()) - QUARTER * place for place in range(LOOKS)]
    looks = []
    for place in np.flatnonzero(labels >= 0):
        one = take(int(place))
        for today in days:
            known = one.where(one.is_sale & (one.day <= today))
            if len(known) >= LEAST_SALES:
                looks.append((int(place), int(labels[place]), *signs_at(known, today)))
    table = np.array(looks, float)
    names = [*KINDS, "any sign", "any serious sign", "plain rule: sales halved"]
    rows = [_rule(name, table[:, 0], table[:, 1], table[:, 2 + place]) for place, name in enumerate(names)]
    return {"firms": len(set(table[:, 0])), "looks": len(table), "rules": rows}


def signs_at(sales: Trades, today: int) -> list[bool]:
    """Return, of one firm's sales known by a day: each kind of sign, any, any serious one, and what the plain rule says."""
    counted = ~sales.is_void
    days, net = sales.day[counted], sales.net[counted]
    stopped = records_stopped(sales.day, today=today)
    found = {
        "sales_drop": sales_drop(days, net, today=today),
        "counterparty_lost": next(
            iter(customers_lost(days, sales.partner[counted].astype(str), net, today=today)), None
        ),
        "returns_rise": returns_rise(sales.day, sales.net, sales.is_void, today=today),
        "records_stopped": stopped,
    }
    raised = [sign for sign in found.values() if sign]
    now = net[(days > today - 90) & (days <= today)].sum()
    before = net[(days > today - 180) & (days <= today - 90)].sum()
    return [
        *(found[kind] is not None for kind in KINDS),
        bool(raised),
        any(sign.severity == SERIOUS for sign in raised),
        bool(now < before / 2),
    ]


def _rule(name: str, firm: np.ndarray, bad: np.ndarray, raised: np.ndarray) -> dict:
    generator, firms = np.random.default_rng(0), np.unique(firm)
    rows_of = {one: np.flatnonzero(firm == one) for one in firms}
    ratios = []
    for _ in range(TIMES):
        rows = np.concatenate([rows_of[one] for one in generator.choice(firms, len(firms))])
        ratios.append(_ratio(bad[rows], raised[rows]))
    known = [ratio for ratio in ratios if ratio is not None]
    low, high = np.percentile(known, [2.5, 97.5]) if known else (None, None)
    ratio = _ratio(bad, raised)
    return {
        "rule": name,
        "sound": _share(raised[bad == 0]),
        "bad": _share(raised[bad == 1]),
        "ratio": None if ratio is None else round(ratio, 4),
        "low": None if low is None else round(float(low), 4),
        "high": None if high is None else round(float(high), 4),
    }


def _share(raised: np.ndarray) -> float | None:
    return round(float(raised.mean()), 6) if len(raised) else None


def _ratio(bad: np.ndarray, raised: np.ndarray) -> float | None:
    """Return how much more often a sign is raised at firms that defaulted; None where it never is at sound ones."""
    if not (bad == 1).any() or not raised[bad == 0].any():
        return None
    return float(raised[bad == 1].mean() / raised[bad == 0].mean())
