from datetime import datetime
from decimal import Decimal
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import connection, models
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Least
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.models.category import Category
from marketplace.models.membership import Membership
from marketplace.models.organisation import Block, Organisation
from marketplace.models.user import User


def _is_open(now: datetime) -> Q:
    lasting = Q(expires_at=None) | Q(expires_at__gt=now)
    return lasting & Q(status=Listing.Status.OPEN, organisation__state=Organisation.State.APPROVED)


def _is_shown_to(user: User) -> Q:
    shown = Q(visibility=Listing.Visibility.PUBLIC)
    if not user.is_authenticated:
        return shown
    organisations = Organisation.objects.of(user)
    audience = ListingAudience.objects.filter(listing=OuterRef("pk"), organisation__in=organisations)
    shown |= Q(Q(visibility=Listing.Visibility.NAMED) & Exists(audience))
    if user.is_staff or organisations.approved().exists():
        shown |= Q(visibility=Listing.Visibility.VERIFIED)
    blocked = Block.objects.filter(
        Q(organisation=OuterRef("organisation"), blocked__in=organisations)
        | Q(blocked=OuterRef("organisation"), organisation__in=organisations)
    )
    return shown & ~Exists(blocked)


class ListingQuerySet(models.QuerySet):
    def open(self, now: datetime) -> Self:
        """Return what can be traded now: open, not expired, of an approved organisation."""
        return self.filter(_is_open(now))

    def shown_to(self, user: User) -> Self:
        """Return the listings of others whose visibility lets this user see them, whatever their status."""
        return self.filter(_is_shown_to(user))

    def visible_to(self, user: User, now: datetime) -> Self:
        """Return the user's own listings and the open ones that others show them; the platform operator sees all."""
        if user.is_authenticated and user.is_staff:
            return self
        # One condition per row, so that a page or a single listing never costs a look at all of them.
        return self.filter(Q(organisation__in=Organisation.objects.of(user)) | (_is_open(now) & _is_shown_to(user)))

    def of(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user))

    def editable_by(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def facing(self, listing: "Listing") -> Self:
        """Return what could be the other half of a pair with this listing, of the same category first."""
        is_same = Case(When(category=listing.category_id, then=Value(0)), default=Value(1))
        return self.filter(side=listing.wanted_side).order_by(is_same, "-updated_at", "pk")

    def with_names(self) -> Self:
        return self.select_related("organisation__disclosure", "category")

    def with_details(self) -> Self:
        return self.with_names().prefetch_related("certificates", "audience")

    def become(self, status: str, *, now: datetime, **changes) -> int:
        """Move these listings to the status where their present one allows it; one UPDATE decides."""
        reachable = self.filter(status__in=Listing.TRANSITIONS[status])
        return reachable.update(status=status, updated_at=now, revision=F("revision") + 1, **changes)

    def expire(self, now: datetime) -> int:
        """Close the time of listings whose expiry has passed; the clock and a person may both cause it."""
        return self.filter(expires_at__lte=now).become(Listing.Status.EXPIRED, now=now)

    def look_again(self, now: datetime) -> int:
        """Bump the open ones, so that whoever keeps something about them sees that it is out of date."""
        return self.filter(status=Listing.Status.OPEN).update(updated_at=now, revision=F("revision") + 1)

    def hold(self, amount: Decimal) -> int:
        """Promise this much to an open offer, where so much is left that is promised to nobody."""
        return self.filter(quantity__gte=F("held") + amount).update(held=F("held") + amount)

    def release(self, amount: Decimal) -> int:
        """Let go of what was promised to an offer that is no longer open."""
        return self.update(held=F("held") - amount)

    def take(self, amount: Decimal, *, held: Decimal, now: datetime) -> int:
        """Take away what was sold, of which so much was promised to this very buyer; what is empty then is closed."""
        left = F("quantity") - amount
        return self.filter(quantity__gte=F("held") - held + amount).update(
            quantity=left,
            held=F("held") - held,
            minimum_order=Case(When(quantity__lte=amount, then=None), default=Least("minimum_order", left)),
            status=Case(When(quantity__lte=amount, then=Value("closed")), default=F("status")),
            updated_at=now,
            revision=F("revision") + 1,
        )

    def give_back(self, amount: Decimal, *, now: datetime) -> int:
        """Add what was sold and then cancelled; what had closed because nothing was left is open again."""
        was_open = When(quantity=0, status="closed", published_at__isnull=False, then=Value("open"))
        return self.filter(quantity__isnull=False).update(
            quantity=F("quantity") + amount,
            status=Case(was_open, default=F("status")),
            updated_at=now,
            revision=F("revision") + 1,
        )

    def announce(self, listing_id: int | None = None) -> None:
        """Tell who listens, after commit, that a listing changed; without an id: that many did."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", ["listing_changed", str(listing_id or "")])


class Listing(models.Model):
    """What a firm offers or wants.

    ``quantity`` is what is still to be had: an order takes its part away. ``held`` of it is promised in open offers. A
    price is in ``currency`` per ``price_unit``. ``region`` is where a supply ships from and where a demand is delivered
    to; ``delivery_regions`` are where a supply can be delivered (empty: everywhere), as GB/T 2260 codes of any level.
    """

    class Side(models.TextChoices):
        SUPPLY = "supply", _("Supply")
        DEMAND = "demand", _("Demand")

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        PAUSED = "paused", _("Paused")
        CLOSED = "closed", _("Closed")
        EXPIRED = "expired", _("Expired")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Everybody")
        VERIFIED = "verified", _("Verified organisations")
        NAMED = "named", _("Named organisations")

    # From which status each status may be reached.
    TRANSITIONS = {
        Status.OPEN: (Status.DRAFT, Status.PAUSED, Status.EXPIRED),
        Status.PAUSED: (Status.OPEN,),
        Status.CLOSED: (Status.DRAFT, Status.OPEN, Status.PAUSED, Status.EXPIRED),
        Status.EXPIRED: (Status.OPEN,),
    }

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="listings")
    external_id = models.CharField(_("external id"), max_length=100, null=True, blank=True)
    # What a caller names one request by, so that sending it again posts nothing twice.
    idempotency_key = models.CharField(max_length=100, null=True, blank=True)
    # Of what was sent or imported last: the same again changes nothing. Empty: typed in by a person.
    fingerprint = models.CharField(max_length=64, blank=True)
    side = models.CharField(_("side"), max_length=6, choices=Side)
    kind = models.CharField(_("kind"), max_length=10, choices=Category.Kind, default=Category.Kind.PRODUCT)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="listings", verbose_name=_("category")
    )
    title_zh = models.CharField(_("title (Chinese)"), max_length=200, blank=True)
    title_en = models.CharField(_("title (English)"), max_length=200, blank=True)
    text_zh = models.TextField(_("text (Chinese)"), blank=True)
    text_en = models.TextField(_("text (English)"), blank=True)
    attributes = models.JSONField(_("attributes"), default=dict, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3, null=True, blank=True)
    held = models.DecimalField(_("held by open offers"), max_digits=18, decimal_places=3, default=0)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    minimum_order = models.DecimalField(_("minimum order"), max_digits=18, decimal_places=3, null=True, blank=True)
    price_min = models.DecimalField(_("price from"), max_digits=18, decimal_places=4, null=True, blank=True)
    price_max = models.DecimalField(_("price to"), max_digits=18, decimal_places=4, null=True, blank=True)
    price_unit = models.CharField(_("price per"), max_length=20, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    region = models.CharField(_("region (GB/T 2260)"), max_length=6, blank=True)
    delivery_regions = ArrayField(
        models.CharField(max_length=6), verbose_name=_("delivery regions"), default=list, blank=True
    )
    window_start = models.DateField(_("from"), null=True, blank=True)
    window_end = models.DateField(_("until"), null=True, blank=True)
    lead_days = models.PositiveSmallIntegerField(_("lead time in days"), null=True, blank=True)
    required_certificates = ArrayField(
        models.CharField(max_length=40), verbose_name=_("required certificates"), default=list, blank=True
    )
    visibility = models.CharField(_("visible to"), max_length=10, choices=Visibility, default=Visibility.PUBLIC)
    audience = models.ManyToManyField(Organisation, through="ListingAudience", related_name="+")
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    # What was read out of the text, as the page echoes it for correction: [{field, value, start, end, zh, en}].
    readings = models.JSONField(default=list, blank=True)
    revision = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    objects = ListingQuerySet.as_manager()

    class Meta:
        verbose_name = _("listing")
        verbose_name_plural = _("listings")
        indexes = [
            models.Index(name="listing_newest_open", fields=["-published_at"], condition=Q(status="open")),
            models.Index(name="listing_by_side_and_category", fields=["side", "category", "status"]),
            models.Index(
                name="listing_by_fingerprint", fields=["organisation", "fingerprint"], condition=~Q(fingerprint="")
            ),
            models.Index(name="listing_to_expire", fields=["expires_at"], condition=Q(status="open")),
            GinIndex(name="listing_by_attribute", fields=["attributes"], opclasses=["jsonb_path_ops"]),
        ]
        constraints = [
            models.UniqueConstraint(
                name="listing_external_id_is_unique_per_organisation", fields=["organisation", "external_id"]
            ),
            models.UniqueConstraint(
                name="listing_idempotency_key_posts_once", fields=["organisation", "idempotency_key"]
            ),
            models.CheckConstraint(name="listing_external_id_is_not_empty", condition=~Q(external_id="")),
            models.CheckConstraint(
                name="listing_currency_has_three_letters", condition=Q(currency__regex="^[A-Z]{3}$")
            ),
            models.CheckConstraint(name="listing_has_a_title", condition=~Q(title_zh="") | ~Q(title_en="")),
            # What was sold to the last unit is closed, and keeps the nothing that is left.
            models.CheckConstraint(
                name="listing_quantity_is_positive",
                condition=Q(quantity=None) | Q(quantity__gt=0) | Q(quantity=0, status="closed"),
            ),
            # However many offers are made at once, no more is promised than there is.
            models.CheckConstraint(
                name="listing_holds_at_most_its_quantity",
                condition=Q(held=0) | Q(held__gt=0, held__lte=F("quantity")),
            ),
            models.CheckConstraint(
                name="listing_quantity_has_a_unit",
                condition=Q(quantity=None, minimum_order=None) | ~Q(unit=""),
            ),
            models.CheckConstraint(
                name="listing_minimum_order_is_within_quantity",
                condition=Q(minimum_order=None)
                | Q(minimum_order__gt=0, quantity=None)
                | Q(minimum_order__gt=0, minimum_order__lte=F("quantity")),
            ),
            models.CheckConstraint(
                name="listing_price_range_is_ordered",
                condition=(Q(price_min=None) | Q(price_min__gte=0))
                & (Q(price_max=None) | Q(price_max__gte=0))
                & (Q(price_min=None) | Q(price_max=None) | Q(price_max__gte=F("price_min"))),
            ),
            models.CheckConstraint(
                name="listing_window_is_ordered",
                condition=Q(window_start=None) | Q(window_end=None) | Q(window_end__gte=F("window_start")),
            ),
            models.CheckConstraint(
                name="listing_open_has_a_side", condition=~Q(status="open") | Q(side__in=["supply", "demand"])
            ),
            models.CheckConstraint(
                name="listing_open_was_published", condition=~Q(status="open") | Q(published_at__isnull=False)
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def title(self) -> str:
        """Return the title in the reader's language, or in the one there is."""
        first, second = (self.title_en, self.title_zh) if get_language() == "en" else (self.title_zh, self.title_en)
        return first or second

    @property
    def text(self) -> str:
        first, second = (self.text_en, self.text_zh) if get_language() == "en" else (self.text_zh, self.text_en)
        return first or second

    @property
    def wanted_side(self) -> str:
        """Return the side on which this listing looks for its matches."""
        return self.Side.DEMAND if self.side == self.Side.SUPPLY else self.Side.SUPPLY


class ListingAudience(models.Model):
    """An organisation to which a listing with visibility "named" is shown."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="audiences")
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="listing_audience_once", fields=["listing", "organisation"]),
        ]

    def __str__(self):
        return f"{self.listing_id} is shown to {self.organisation_id}"


class ListingCertificate(models.Model):
    """A certificate that a supply carries, with its issuer, number and expiry."""

    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="certificates")
    code = models.CharField(_("certificate"), max_length=40)
    issuer = models.CharField(_("issuer"), max_length=200, blank=True)
    number = models.CharField(_("number"), max_length=100, blank=True)
    expires_on = models.DateField(_("expires on"), null=True, blank=True)

    class Meta:
        verbose_name = _("certificate")
        verbose_name_plural = _("certificates")
        constraints = [
            models.UniqueConstraint(name="listing_certificate_once", fields=["listing", "code", "number"]),
        ]

    def __str__(self):
        return self.code
