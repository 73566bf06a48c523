"""Invoices of firms that never were: sound ones that sell steadily, and failing ones that do not."""

import csv
import gzip
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from finance.scoring.trades import Trades, day_number

SALES = ("企业代号", "发票号码", "开票日期", "购方单位代号", "金额", "税额", "价税合计", "发票状态")
PURCHASES = ("企业代号", "发票号码", "开票日期", "销方单位代号", "金额", "税额", "价税合计", "发票状态")


def invoice_rows(firm, *, seed, sound=True, months=30, first=date(2017, 1, 1)):
    """Return (sales rows, purchase rows) of one firm as a file has them."""
    generator = np.random.default_rng(seed)
    sales, purchases = [], []
    for month in range(months):
        begin = first + timedelta(days=round(month * 30.44))
        if not sound and generator.random() < 0.5:
            continue
        for _ in range(int(generator.poisson(9 if sound else 2)) + sound):
            net = round(float(np.exp(generator.normal(10 if sound else 7.5, 1))), 2)
            rate = 0.06 if generator.random() < (0.6 if sound else 0.2) else 0.16
            void = generator.random() < (0.04 if sound else 0.25)
            day = begin + timedelta(days=int(generator.integers(0, 28)))
            other = f"B{int(generator.integers(0, 20 if sound else 4)):03}"
            sales.append(_row(firm, len(sales), day, other, net, rate, void))
        for _ in range(int(generator.poisson(6 if sound else 2))):
            net = round(float(np.exp(generator.normal(9, 1))), 2)
            day = begin + timedelta(days=int(generator.integers(0, 28)))
            purchases.append(
                _row(firm, len(purchases), day, f"A{int(generator.integers(0, 9)):03}", net, 0.16, void=False)
            )
    return sales, purchases


def _row(firm, number, day, other, net, rate, void):
    tax = round(net * rate, 2)
    state = "作废发票" if void else "有效发票"
    return [firm, 10_000 + number, f"{day.year}/{day.month}/{day.day}", other, net, tax, round(net + tax, 2), state]


def write_folder(folder: Path, *, sound=24, failing=12, labelled=True, gz=True, months=30):
    """Write enterprises.csv, purchases and sales of so many firms, E1 … the sound ones first."""
    firms = [(f"E{number + 1}", number < sound) for number in range(sound + failing)]
    sales, purchases = [], []
    for number, (firm, is_sound) in enumerate(firms):
        mine = invoice_rows(firm, seed=number, sound=is_sound, months=months)
        sales += mine[0]
        purchases += mine[1]
    header = ["企业代号", "信誉评级", "是否违约"] if labelled else ["企业代号"]
    rows = [[firm, "A" if good else "D", "否" if good else "是"][: len(header)] for firm, good in firms]
    write_csv(folder / "enterprises.csv", header, rows)
    ending = ".csv.gz" if gz else ".csv"
    write_csv(folder / f"sales{ending}", SALES, sales)
    write_csv(folder / f"purchases{ending}", PURCHASES, purchases)
    return folder


def write_csv(path: Path, header, rows):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def trades_of(firm="E1", *, sales=(), purchases=()):
    """Return trades of one firm from (day, partner, net, tax, is_void) tuples; the last two may be left out."""
    rows = [(True, *row) for row in sales] + [(False, *row) for row in purchases]
    rows = [(*row, *(0.0, False)[len(row) - 4 :]) for row in rows]
    return Trades.of_columns(
        [firm],
        firm=[firm] * len(rows),
        is_sale=[row[0] for row in rows],
        day=[day_number(row[1]) for row in rows],
        partner=[row[2] for row in rows],
        net=[row[3] for row in rows],
        tax=[row[4] for row in rows],
        is_void=[row[5] for row in rows],
    )
