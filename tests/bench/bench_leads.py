"""How long a list of leads takes among 20,000 firms and 5,000 building projects.

Run as ``python -m tests.bench.bench_leads``: rows are written into the database that DATABASE_URL names in one
transaction that is rolled back at the end. A leads list has 1,000 entries with reasons; the first call loads the book.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from random import Random

import django

SEED = 11


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firms", type=int, default=20_000)
    parser.add_argument("--projects", type=int, default=5_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    django.setup()
    from django.db import transaction  # noqa: PLC0415 - Django must be set up first

    with transaction.atomic():
        figures = measure(options.firms, options.projects, options.runs)
        transaction.set_rollback(True)
    sys.stdout.writelines(f"{name:28}{value:>12}\n" for name, value in figures.items())
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def measure(firms: int, projects: int, runs: int) -> dict:
    """Return how long loading and listing take, in seconds, and how exactly the reasons sum."""
    from django.utils import timezone  # noqa: PLC0415

    from matching.live_index.lead_book import lead_book  # noqa: PLC0415
    from matching.services import leads  # noqa: PLC0415

    now = timezone.now()
    user, supplies = _plant(firms, projects, now)
    began = time.perf_counter()
    lead_book().refresh(at_once=True)
    loading = time.perf_counter() - began
    times, busy, sizes, worst = [], [], [], 0.0
    for number in range(runs + 1):
        supply = supplies[number % len(supplies)]
        began, worked = time.perf_counter(), time.process_time()
        found = leads.find_leads(supply=supply, user=user, now=now)
        if number:  # the first warms what a process keeps
            times.append(time.perf_counter() - began)
            busy.append(time.process_time() - worked)
            sizes.append(len(found))
            worst = max(worst, *(abs(sum(r["points"] for r in lead.reasons) - lead.score) for lead in found))
    times.sort()
    busy.sort()
    return {
        "firms": firms,
        "projects": projects,
        "load_seconds": round(loading, 3),
        "leads_least": min(sizes),
        "list_p50_seconds": round(times[len(times) // 2], 3),
        "list_p95_seconds": round(times[int(0.95 * (len(times) - 1))], 3),
        # Of this process alone, whatever else the machine does; the database's share is not in it.
        "list_cpu_p50_seconds": round(busy[len(busy) // 2], 3),
        "list_worst_seconds": round(times[-1], 3),
        "reasons_off_by_at_most": f"{worst:.1e}",
    }


def _plant(firms: int, projects: int, now):
    """Write firms with their profiles, projects, and a seller with supplies; return the seller's user and supplies."""
    import numpy as np  # noqa: PLC0415

    from marketplace.models import Category, Listing, Membership, Organisation, User  # noqa: PLC0415
    from marketplace.services.categories import load_catalogue  # noqa: PLC0415
    from matching import runs  # noqa: PLC0415
    from matching.live_index import encoder, text_version  # noqa: PLC0415
    from matching.models import BuildingProject, FirmProfile  # noqa: PLC0415
    from seeds.firms import make_firms, make_uscc  # noqa: PLC0415
    from seeds.leads import make_projects  # noqa: PLC0415

    random, vectors = Random(SEED), np.random.default_rng(SEED)
    load_catalogue(now=now)
    user = User.objects.create(username=f"bench-{now.timestamp()}", email="bench@example.com")
    made = make_firms(firms, random_state=SEED)
    rows = Organisation.objects.bulk_create(
        [
            Organisation(
                name_zh=firm.name_zh, name_en=firm.name_en, uscc=make_uscc(900_000 + firm.number, firm.region),
                region=firm.region, industry=firm.industry, state="approved", reviewed_at=now, created_at=now,
            )
            for firm in made
        ],
        batch_size=2000,
    )  # fmt: skip
    today = now.date().toordinal()
    noise = vectors.normal(size=(firms, encoder().dim)).astype(np.float32)
    names = encoder().encode([f"{firm.name_zh}\n{firm.name_en}" for firm in made])
    vector = names + 0.02 * noise
    vector /= np.linalg.norm(vector, axis=1, keepdims=True)
    FirmProfile.objects.bulk_create(
        [
            FirmProfile(
                organisation=row, industry=firm.industry, region=firm.region, sells=list(firm.sells),
                demands={
                    code: [random.randint(1, 5), today - random.randint(200, 600), today - random.randint(1, 200)]
                    for code in firm.buys if random.random() < 0.4
                },
                size=len(firm.sells), vector=vector[place].astype("<f2").tobytes(), text_version=text_version(), made_at=now,
            )
            for place, (row, firm) in enumerate(zip(rows, made, strict=True))
        ],
        batch_size=2000,
    )  # fmt: skip
    BuildingProject.objects.bulk_create(
        [
            BuildingProject(
                **{name: value for name, value in row.fields.items() if name in BuildingProject.SAID_FIELDS},
                external_id=f"BENCH-{row.number}", created_at=now, updated_at=now,
            )
            for row in make_projects(projects, random_state=SEED, today=now.date())
        ],
        batch_size=2000,
    )  # fmt: skip
    while runs.read_projects(now=now):
        pass
    seller = rows[0]
    Membership.objects.create(user=user, organisation=seller, role=Membership.Role.OWNER, created_at=now)
    codes = [
        "valve.ball",
        "pump.centrifugal",
        "solvent.acetone",
        "battery.cell_lfp",
        "tea_package.gift_box",
        "general_part.motor",
    ]
    supplies = [
        Listing.objects.create(
            organisation=seller, side="supply", category=category, title_zh=category.name_zh, title_en=category.name_en,
            region="331083", status="open", created_by=user, created_at=now, updated_at=now, published_at=now,
        )
        for category in Category.objects.filter(code__in=codes).order_by("pk")
    ]  # fmt: skip
    return user, supplies


if __name__ == "__main__":
    main()
