"""Whole lives of loans under a tree of limits, made up at random: do debits equal credits, does every limit hold?

Run by hand: ``python -m tests.bench.bench_loan_lifecycles --json figures.json`` (LIFECYCLES: how many, 10,000 if not
said). It fills a database of its own on the server that DATABASE_URL names, drops it afterwards, and needs no running
service.
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
    run("tests.finance.loan_lifecycles", about=__doc__, kept="debits equal to credits and every limit held")
