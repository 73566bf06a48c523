from collections.abc import Sequence

from django.db import transaction

from marketplace.models import Listing
from marketplace.parsing.normal_form import normalise
from matching.live_index import encoder, index_text, text_version
from matching.live_index.facts import category_book
from matching.models import IndexEntry
from matching.models.index_entry import listings_to_index

BATCH = 512


def index_listings(*, only: Sequence[int] | None = None, limit: int = BATCH) -> list[int]:
    """Write the index entries that are missing or out of date, the oldest first; return the listings they are of.

    An unchanged text keeps its vector: only what has other words, or another model, is embedded.

    :param only: look at these listings alone
    """
    model = encoder()
    version = text_version()
    waiting = listings_to_index(version)
    if only is not None:
        waiting = waiting.filter(pk__in=only)
    listings = list(waiting.defer("readings", "attributes")[:limit])
    if not listings:
        return []
    texts = _texts(listings)
    vectors = {
        entry.pk: bytes(entry.vector)
        for entry in IndexEntry.objects.filter(listing__in=listings, model_version__startswith=f"{model.version}-")
        if entry.text == texts[entry.pk]
    }
    if new := [pk for pk in texts if pk not in vectors]:
        embedded = model.encode([texts[pk] for pk in new]).astype("<f2")
        vectors |= {pk: vector.tobytes() for pk, vector in zip(new, embedded, strict=True)}
    entries = [
        IndexEntry(
            pk=listing.pk,
            revision=listing.revision,
            model_version=version,
            vector=vectors[listing.pk],
            text=texts[listing.pk],
            normal=normalise(texts[listing.pk]),
        )
        for listing in listings
    ]
    with transaction.atomic():
        IndexEntry.objects.record(entries)
    return [listing.pk for listing in listings]


def _texts(listings: Sequence[Listing]) -> dict[int, str]:
    book = category_book()
    return {listing.pk: index_text(listing, book.get(listing.category_id, (None, ()))[0]) for listing in listings}
