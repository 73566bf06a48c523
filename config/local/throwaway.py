"""Surroundings that are gone afterwards: for tests and benchmarks, which must never see anybody's data folder."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import MutableMapping
from pathlib import Path

from config.local.profile import ROOT
from config.local.service import Service
from config.local.services import missing_services, remove, running


def surroundings(environ: MutableMapping[str, str], folder: Path, *, durable: bool) -> list[Service]:
    """Put what the settings need into the environment; return the services that must run for it."""
    environ["DATA_DIR"] = str(folder)
    environ.setdefault("LOCAL_PROFILE", "1")
    environ.setdefault("SECRET_KEY", secrets.token_urlsafe(64))
    environ.setdefault("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
    # OpenMP with its defaults is many times slower here and hangs after a fork; nothing is fetched while tests run.
    environ.setdefault("OMP_NUM_THREADS", "1")
    environ.setdefault("HF_HUB_OFFLINE", "1")
    return missing_services(environ, folder, durable=durable)


def bench(names: list[str]) -> int:
    """Run the benchmarks of these names, or all, on services as safe as the real ones; return how many failed."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    scripts = sorted((ROOT / "tests" / "bench").glob("bench_*.py"))
    chosen = [script for script in scripts if not names or script.stem.removeprefix("bench_") in names]
    failed = 0
    try:
        with running(surroundings(os.environ, folder, durable=True)):
            for script in chosen:
                print(f"\nbench    | {script.stem}", flush=True)
                done = subprocess.run([sys.executable, "-m", f"tests.bench.{script.stem}"], cwd=ROOT, check=False)
                failed += done.returncode != 0
    finally:
        remove(folder)
    return failed
