"""Whole lives of orders, made up at random: does every quantity stay somewhere, exact to a thousandth?

Run by hand: ``python tests/bench/bench_lifecycles.py --json figures.json`` (LIFECYCLES: how many, 10,000 if not said). It
fills a database of its own on the server that DATABASE_URL names, drops it afterwards, and needs no running service.
"""

import os
import sys
import tempfile
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="bench-"))
django.setup()

from tests.bench.random_lives import run  # noqa: E402 - Django must be set up first

if __name__ == "__main__":
    run("tests.marketplace.lifecycles", about=__doc__, kept="every quantity exact")
