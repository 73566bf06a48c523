"""Any number of plausible listings as the index sees them: drawn, put in words, brought to normal form and embedded.

Always the same listings for the same number. Drawing a million takes about ten minutes of two cores, so they are kept
in a folder, in parts of twenty thousand; a smaller market is the beginning of a larger one.
"""

import os
import pickle
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np

from marketplace.parsing.normal_form import normalise
from matching.ranking.facts import ListingFacts
from matching.retrieval.encoder import Encoder, load_encoder
from seeds.firms import make_firms
from seeds.generate import DemoListing, make_listings
from seeds.trades import catalogue

TODAY = date(2026, 3, 2)
PART = 20_000
FIRMS = 10_000
LONGEST_TEXT = 2000


def market(count: int, folder: Path, embedding: Path) -> Iterator[tuple[list[ListingFacts], np.ndarray]]:
    """Yield the market's listings part by part: their facts, and their vectors as float16, shape (part, dim)."""
    folder.mkdir(parents=True, exist_ok=True)
    _draw_missing(count, folder, embedding)
    for number in range(-(-count // PART)):
        facts = pickle.loads((folder / f"part-{number:04d}.pickle").read_bytes())
        vectors = np.load(folder / f"part-{number:04d}.npy")
        held = min(PART, count - number * PART)
        yield facts[:held], vectors[:held]


def _draw_missing(count: int, folder: Path, embedding: Path) -> None:
    parts = -(-count // PART)
    if all((folder / f"part-{number:04d}.npy").exists() for number in range(parts)):
        return
    drawn = make_listings(make_firms(FIRMS), parts * PART, today=TODAY)
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        waiting = set()
        for number in range(parts):
            part = list(islice(drawn, PART))
            if not (folder / f"part-{number:04d}.npy").exists():
                waiting.add(pool.submit(_write_part, part, number, folder, embedding))
            # No more parts in memory than are worked on.
            while len(waiting) > 2 * (os.cpu_count() or 1):
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    one.result()
        for one in waiting:
            one.result()


@cache
def _encoder(folder: Path) -> Encoder:
    return load_encoder(folder)


def _write_part(listings: list[DemoListing], number: int, folder: Path, embedding: Path) -> None:
    facts = [_facts(listing, number * PART + place) for place, listing in enumerate(listings, start=1)]
    facts = [replace(one, normal=normalise(one.text)) for one in facts]
    vectors = _encoder(embedding).encode([one.text for one in facts]).astype(np.float16)
    (folder / f"part-{number:04d}.pickle").write_bytes(pickle.dumps(facts, protocol=pickle.HIGHEST_PROTOCOL))
    # The vectors stand last: where they are, the part is whole.
    unfinished = folder / f"unfinished-{number:04d}.npy"
    np.save(unfinished, vectors)
    unfinished.replace(folder / f"part-{number:04d}.npy")


def _facts(listing: DemoListing, number: int) -> ListingFacts:
    fields, spec = listing.fields, catalogue().get(listing.fields["category"])
    parts: list[str] = []
    for part in (*(fields.get(name) for name in ("text_zh", "text_en", "title_zh", "title_en")), *spec.names[:2]):
        if part and not any(part in said for said in parts):
            parts.append(part)
    return ListingFacts(
        id=number,
        organisation=listing.firm,
        side=fields["side"],
        text="\n".join(parts)[:LONGEST_TEXT],
        kind=fields["kind"],
        category=spec.code,
        family=spec.family or catalogue().family(spec.code),
        ancestors=tuple(above.code for above in catalogue().ancestors(spec.code)),
        attributes=fields["attributes"],
        quantity=fields.get("quantity"),
        unit=fields.get("unit", ""),
        minimum_order=fields.get("minimum_order"),
        price_min=fields.get("price_min"),
        price_max=fields.get("price_max"),
        currency=fields.get("currency", "CNY"),
        price_unit=fields.get("price_unit", ""),
        region=fields.get("region", ""),
        delivery_regions=tuple(fields.get("delivery_regions") or ()),
        window_start=fields.get("window_start"),
        window_end=fields.get("window_end"),
        lead_days=fields.get("lead_days"),
        certificates=frozenset(each["code"] for each in fields.get("certificates") or ()),
        required_certificates=frozenset(fields.get("required_certificates") or ()),
    )
