from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import connection, models
from django.db.models import Count, Exists, F, OuterRef, Q, Sum

from marketplace.models import Listing

# One number for all writers of the index; taken for the few milliseconds in which they write.
INDEX_LOCK = 0x6D61746368


class IndexEntryQuerySet(models.QuerySet):
    def after(self, sequence: int) -> Self:
        """Return the entries written since that number, in the order of their writing."""
        return self.filter(sequence__gt=sequence).order_by("sequence")

    def fresh(self, model_version: str) -> Self:
        """Return the entries that say what their listing says, in the words of this embedding model."""
        return self.filter(revision=F("listing__revision"), model_version=model_version)

    def digest(self) -> tuple[int, int, int]:
        """Return how many entries there are and two sums that change when an id or a number does.

        It is read from an index alone; the entries themselves would be gigabytes.
        """
        sums = self.aggregate(
            count=Count("pk"),
            numbers=Sum("sequence", default=0),
            products=Sum((F("listing_id") % 65536) * (F("sequence") % 65536), default=0),
        )
        return int(sums["count"]), int(sums["numbers"]), int(sums["products"])

    def record(self, entries: Iterable["IndexEntry"]) -> None:
        """Write these entries, each under the next number; call it in a short transaction.

        Numbers are given under a lock that is held until commit, so they become visible in order: a reader who has
        seen one never misses a smaller one that was committed later. An older revision never replaces a newer one.
        """
        rows = sorted(entries, key=lambda entry: entry.listing_id)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [INDEX_LOCK])
            cursor.executemany(
                """
                INSERT INTO matching_indexentry (
                    listing_id, revision, model_version, vector, text, normal, sequence
                )
                VALUES (%s, %s, %s, %s, %s, %s, nextval('matching_index_sequence'))
                ON CONFLICT (listing_id) DO UPDATE SET
                    revision = excluded.revision, model_version = excluded.model_version,
                    vector = excluded.vector, text = excluded.text, normal = excluded.normal,
                    sequence = excluded.sequence
                WHERE matching_indexentry.revision <= excluded.revision
                """,
                [(row.pk, row.revision, row.model_version, row.vector, row.text, row.normal) for row in rows],
            )


class IndexEntry(models.Model):
    """What the index holds of a listing that was ever published: the truth the in-memory index is rebuilt from.

    ``vector`` is the embedding of ``text`` as little-endian float16; ``normal`` is the text's normal form.
    ``model_version`` names the embedding model and the code that found the normal form.
    """

    listing = models.OneToOneField(Listing, on_delete=models.CASCADE, primary_key=True, related_name="index_entry")
    revision = models.PositiveIntegerField()
    model_version = models.CharField(max_length=64)
    vector = models.BinaryField()
    text = models.TextField()
    normal = models.TextField()
    sequence = models.BigIntegerField(unique=True)

    objects = IndexEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "index entries"
        indexes = [
            # The to-do list is asked for often, and must not read the vectors and texts to be answered.
            models.Index(name="index_entry_of_revision", fields=["listing"], include=["revision", "model_version"]),
            # What a process compares with its snapshot when it starts.
            models.Index(name="index_entry_of_sequence", fields=["sequence"], include=["listing"]),
        ]

    def __str__(self):
        return f"{self.listing_id} revision {self.revision}"


def listings_to_index(model_version: str) -> "models.QuerySet[Listing]":
    """Return the to-do list of the index: published listings whose entry is missing or out of date, oldest first."""
    fresh = IndexEntry.objects.fresh(model_version).filter(listing=OuterRef("pk"))
    return Listing.objects.filter(~Exists(fresh), Q(published_at__isnull=False)).order_by("updated_at", "pk")


def index_lag(model_version: str, now: datetime) -> float:
    """Return how many seconds the oldest listing that can be traded has waited for its entry; 0 if none does."""
    oldest = listings_to_index(model_version).open(now).values_list("updated_at", flat=True).first()
    return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
