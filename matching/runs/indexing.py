from collections.abc import Sequence

import numpy as np
from django.db import transaction

from marketplace.models import Category, Listing
from matching.live_index import encoder, index_text
from matching.models import IndexEntry
from matching.models.index_entry import listings_to_index

BATCH = 512


def index_listings(*, only: Sequence[int] | None = None, limit: int = BATCH) -> list[int]:
    """Write the index entries that are missing or out of date, the oldest first; return the listings they are of.

    An unchanged text keeps its vector: only what has other words, or another model, is embedded.

    :param only: look at these listings alone
    """
    model = encoder()
    waiting = listings_to_index(model.version)
    if only is not None:
        waiting = waiting.filter(pk__in=only)
    listings = list(waiting.defer("readings", "attributes")[:limit])
    if not listings:
        return []
    texts = _texts(listings)
    known = {
        entry.listing_id: entry
        for entry in IndexEntry.objects.filter(listing__in=listings, model_version=model.version)
    }
    vectors = {pk: bytes(entry.vector) for pk, entry in known.items() if entry.text == texts[pk]}
    to_embed = [pk for pk in texts if pk not in vectors]
    if to_embed:
        embedded = model.encode([texts[pk] for pk in to_embed]).astype("<f2")
        vectors |= {pk: vector.tobytes() for pk, vector in zip(to_embed, embedded, strict=True)}
    with transaction.atomic():
        IndexEntry.objects.record(
            IndexEntry(
                listing_id=listing.pk,
                revision=listing.revision,
                model_version=model.version,
                vector=vectors[listing.pk],
                text=texts[listing.pk],
            )
            for listing in listings
        )
    return [listing.pk for listing in listings]


def _texts(listings: Sequence[Listing]) -> dict[int, str]:
    catalogue = Category.objects.catalogue()
    specs = {pk: catalogue.get(code) for code, pk in Category.objects.ids().items()}
    return {listing.pk: index_text(listing, specs.get(listing.category_id)) for listing in listings}


def vector_of(entry: IndexEntry) -> np.ndarray:
    """Return an entry's embedding as float32."""
    return np.frombuffer(entry.vector, dtype="<f2").astype(np.float32)
