import secrets
from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Count, DecimalField, Exists, F, OuterRef, Q, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.models.booking import NUMBER_ALPHABET
from marketplace.models.category import Category
from marketplace.models.listing import Listing
from marketplace.models.membership import Membership
from marketplace.models.organisation import Block, Organisation
from marketplace.models.terms import Terms
from marketplace.models.user import User
from marketplace.pooling.ladder import Rung


def new_pool_number(now: datetime) -> str:
    """Return a number for a pool opened now: its day, and signs that nobody can guess."""
    return f"JC{now:%y%m%d}-{''.join(secrets.choice(NUMBER_ALPHABET) for _ in range(6))}"


class PurchasePoolQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return the pools that the user organises, is in or was asked to join or serve, and those shown to all."""
        shown = Q(visibility=PurchasePool.Visibility.PUBLIC)
        if not user.is_authenticated:
            return self.filter(shown)
        if user.is_staff:
            return self
        mine = Organisation.objects.of(user)
        if mine.approved().exists():
            shown |= Q(visibility=PurchasePool.Visibility.VERIFIED)
        invited = PoolInvitation.objects.filter(pool=OuterRef("pk"), organisation__in=mine)
        joined = PoolCommitment.objects.filter(pool=OuterRef("pk"), organisation__in=mine)
        blocked = Block.objects.filter(
            Q(organisation=OuterRef("organiser"), blocked__in=mine)
            | Q(blocked=OuterRef("organiser"), organisation__in=mine)
        )
        asked = PurchasePool.objects.filter(suppliers__organisation__in=mine).values("pk")
        concerned = Q(organiser__in=mine) | Exists(joined) | Q(pk__in=asked)
        return self.filter(concerned | (~Exists(blocked) & (shown | Exists(invited))))

    def concerning(self, organisations: models.QuerySet[Organisation]) -> Self:
        """Return the pools that these organisations run, are in or were asked to join."""
        invited = PoolInvitation.objects.filter(pool=OuterRef("pk"), organisation__in=organisations)
        joined = PoolCommitment.objects.filter(pool=OuterRef("pk"), organisation__in=organisations)
        return self.filter(Q(organiser__in=organisations) | Exists(joined) | Exists(invited))

    def editable_by(self, user: User) -> Self:
        """Return the pools that the user runs for their organiser."""
        return self.filter(organiser__in=Organisation.objects.of(user, *PurchasePool.ORGANISING_ROLES))

    def open(self, now: datetime) -> Self:
        """Return what can be joined now."""
        return self.filter(Q(closes_at=None) | Q(closes_at__gt=now), status=PurchasePool.Status.OPEN)

    def due(self, now: datetime) -> Self:
        """Return what is still open though its time has passed."""
        return self.filter(status=PurchasePool.Status.OPEN, closes_at__lte=now)

    def become(self, status: str, **changes) -> int:
        """Move these pools to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status__in=PurchasePool.TRANSITIONS[status]).update(status=status, **changes)

    def close(self, *, now: datetime) -> int:
        """Close those that have come together and fail the others; the clock, a commitment or a person may cause it.

        Whoever closes holds the rows' locks, so what was committed does not change meanwhile.
        """
        counted = self.with_commitments()
        enough = counted.filter(committed__gte=F("minimum_quantity")).values("pk")
        closed = self.filter(pk__in=list(enough.values_list("pk", flat=True)))
        moved = closed.become(PurchasePool.Status.CLOSED, closed_at=now)
        failed = self.filter(status=PurchasePool.Status.OPEN)
        return moved + failed.become(PurchasePool.Status.FAILED, closed_at=now, ended_at=now)

    def with_commitments(self) -> Self:
        """Add what is committed, ``committed``, and by how many firms, ``member_count``."""
        live = PoolCommitment.objects.live().filter(pool=OuterRef("pk")).values("pool")
        total = Subquery(live.annotate(total=Sum("quantity")).values("total"))
        members = Subquery(live.annotate(count=Count("pk")).values("count"))
        decimal = DecimalField(max_digits=18, decimal_places=3)
        return self.annotate(
            committed=Coalesce(total, Value(Decimal(0)), output_field=decimal),
            member_count=Coalesce(members, Value(0)),
        )

    def with_details(self) -> Self:
        rungs = models.Prefetch("prices", PoolPrice.objects.order_by("from_quantity"))
        return self.select_related("organiser", "category", "park").prefetch_related(rungs)


class PurchasePool(Terms):
    """Several demands bought as one: firms commit quantities, and the more they want together, the less a unit costs.

    It closes by itself at a quantity or a moment. ``base_price`` is what a single buyer pays: what is saved is counted
    from it. Whoever leaves after ``leave_free_until`` needs the organiser's consent, and ``leaving_percent`` of what
    they committed to is recorded as owed. The terms are those under which suppliers are asked.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Open for commitments")
        CLOSED = "closed", _("Closed: suppliers are sought")
        NEGOTIATING = "negotiating", _("In negotiation with suppliers")
        ORDERED = "ordered", _("Ordered")
        FAILED = "failed", _("Failed: too little was committed")
        CANCELLED = "cancelled", _("Cancelled")

    class Rule(models.TextChoices):
        PRO_RATA = "pro_rata", _("In proportion to what each committed")
        FIRST_COME = "first_come", _("In the order of commitment")
        EQUAL = "equal", _("The same for everybody")
        SMALLEST_FIRST = "smallest_first", _("The smallest commitments first")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Everybody")
        VERIFIED = "verified", _("Verified organisations")
        INVITED = "invited", _("Invited organisations")

    # From which status each status may be reached.
    TRANSITIONS = {
        Status.CLOSED: (Status.OPEN,),
        Status.FAILED: (Status.OPEN, Status.CLOSED, Status.NEGOTIATING),
        Status.NEGOTIATING: (Status.CLOSED,),
        Status.ORDERED: (Status.NEGOTIATING,),
        Status.CANCELLED: (Status.OPEN, Status.CLOSED, Status.NEGOTIATING),
    }
    RUNNING = (Status.OPEN, Status.CLOSED, Status.NEGOTIATING)
    ORGANISING_ROLES = Membership.TRADING_ROLES
    # What the organiser says of it beside the ladder and the terms: forms, services and the API take these fields.
    PROFILE_FIELDS = (
        "title_zh",
        "title_en",
        "text_zh",
        "text_en",
        "unit",
        "step",
        "base_price",
        "minimum_quantity",
        "closes_at_quantity",
        "closes_at",
        "shortage_rule",
        "leave_free_until",
        "leaving_percent",
        "visibility",
    )

    number = models.CharField(_("number"), max_length=20, unique=True)
    organiser = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, related_name="pools", verbose_name=_("organiser")
    )
    title_zh = models.CharField(_("title (Chinese)"), max_length=200, blank=True)
    title_en = models.CharField(_("title (English)"), max_length=200, blank=True)
    text_zh = models.TextField(_("text (Chinese)"), max_length=4000, blank=True)
    text_en = models.TextField(_("text (English)"), max_length=4000, blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="pools", verbose_name=_("category"))
    # As on a line of an order: what inspection will hold the goods to.
    specification = models.JSONField(_("specification"), default=dict, blank=True)
    unit = models.CharField(_("unit"), max_length=20)
    step = models.DecimalField(_("smallest step"), max_digits=12, decimal_places=3, default=Decimal(1))
    base_price = models.DecimalField(_("price for a single buyer"), max_digits=18, decimal_places=4)
    minimum_quantity = models.DecimalField(_("minimum quantity"), max_digits=18, decimal_places=3)
    closes_at_quantity = models.DecimalField(
        _("closes at the quantity"), max_digits=18, decimal_places=3, null=True, blank=True
    )
    closes_at = models.DateTimeField(_("closes at"), null=True, blank=True)
    shortage_rule = models.CharField(_("at a shortage"), max_length=15, choices=Rule, default=Rule.PRO_RATA)
    leave_free_until = models.DateTimeField(_("free to leave until"))
    leaving_percent = models.DecimalField(
        _("owed on leaving later, %"), max_digits=5, decimal_places=2, default=Decimal(0)
    )
    visibility = models.CharField(_("visible to"), max_length=10, choices=Visibility, default=Visibility.PUBLIC)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.OPEN)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = PurchasePoolQuerySet.as_manager()

    class Meta:
        verbose_name = _("collective purchase")
        verbose_name_plural = _("collective purchases")
        indexes = [
            models.Index(name="purchase_pool_to_close", fields=["closes_at"], condition=Q(status="open")),
            models.Index(name="purchase_pool_of_organiser", fields=["organiser", "-created_at"]),
        ]
        constraints = [
            *Terms.Meta.constraints,
            models.CheckConstraint(name="purchase_pool_has_a_title", condition=~Q(title_zh="") | ~Q(title_en="")),
            models.CheckConstraint(name="purchase_pool_step_is_positive", condition=Q(step__gt=0)),
            models.CheckConstraint(name="purchase_pool_minimum_is_positive", condition=Q(minimum_quantity__gt=0)),
            models.CheckConstraint(name="purchase_pool_base_price_is_positive", condition=Q(base_price__gt=0)),
            models.CheckConstraint(
                name="purchase_pool_closes_by_itself",
                condition=Q(closes_at__isnull=False) | Q(closes_at_quantity__isnull=False),
            ),
            models.CheckConstraint(
                name="purchase_pool_closes_no_lower_than_its_minimum",
                condition=Q(closes_at_quantity=None) | Q(closes_at_quantity__gte=F("minimum_quantity")),
            ),
            models.CheckConstraint(
                name="purchase_pool_leaving_costs_a_percentage",
                condition=Q(leaving_percent__gte=0, leaving_percent__lte=100),
            ),
            models.CheckConstraint(
                name="purchase_pool_closed_at_goes_with_status",
                condition=Q(status="open", closed_at=None) | (~Q(status="open") & Q(closed_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="purchase_pool_ended_at_goes_with_status",
                condition=Q(status__in=["open", "closed", "negotiating"], ended_at=None)
                | (~Q(status__in=["open", "closed", "negotiating"]) & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def title(self) -> str:
        first, second = (self.title_en, self.title_zh) if get_language() == "en" else (self.title_zh, self.title_en)
        return first or second

    @property
    def text(self) -> str:
        first, second = (self.text_en, self.text_zh) if get_language() == "en" else (self.text_zh, self.text_en)
        return first or second

    @property
    def is_running(self) -> bool:
        return self.status in self.RUNNING

    def ladder(self) -> list[Rung]:
        """Return the price ladder as values; fetch the pool ``with_details()`` to ask no query."""
        return [Rung(price.from_quantity, price.unit_price) for price in self.prices.all()]


class PoolPrice(models.Model):
    """A rung of the ladder: from this quantity on, all of it costs this much per unit."""

    pool = models.ForeignKey(PurchasePool, on_delete=models.CASCADE, related_name="prices")
    from_quantity = models.DecimalField(_("from the quantity"), max_digits=18, decimal_places=3)
    unit_price = models.DecimalField(_("unit price"), max_digits=18, decimal_places=4)

    class Meta:
        verbose_name = _("price step")
        verbose_name_plural = _("price steps")
        constraints = [
            models.UniqueConstraint(name="pool_price_once_per_quantity", fields=["pool", "from_quantity"]),
            models.CheckConstraint(name="pool_price_is_positive", condition=Q(unit_price__gt=0, from_quantity__gt=0)),
        ]

    def __str__(self):
        return f"{self.pool_id}: {self.unit_price} from {self.from_quantity}"


class PoolInvitation(models.Model):
    """A firm was asked to join, because of a demand of its own if there is one."""

    pool = models.ForeignKey(PurchasePool, on_delete=models.CASCADE, related_name="invitations")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="pool_invitations")
    demand = models.ForeignKey(Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()

    class Meta:
        verbose_name = _("invitation to a collective purchase")
        verbose_name_plural = _("invitations to collective purchases")
        constraints = [
            models.UniqueConstraint(name="pool_invitation_once_per_firm", fields=["pool", "organisation"]),
        ]

    def __str__(self):
        return f"{self.pool_id} asks {self.organisation_id}"


class PoolCommitmentQuerySet(models.QuerySet):
    def live(self) -> Self:
        """Return those that count: still in the pool, or served by it."""
        return self.filter(status__in=PoolCommitment.LIVE)

    def visible_to(self, user: User) -> Self:
        """Return the user's own and those in the pools that the user runs; members do not see each other's."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.filter(
            Q(organisation__in=Organisation.objects.of(user))
            | Q(pool__organiser__in=Organisation.objects.of(user, *PurchasePool.ORGANISING_ROLES))
        )

    def editable_by(self, user: User) -> Self:
        return self.filter(organisation__in=Organisation.objects.of(user, *Membership.TRADING_ROLES))

    def in_turn(self) -> Self:
        """Return them in the order of commitment."""
        return self.order_by("committed_at", "pk")

    def become(self, status: str, **changes) -> int:
        """Move these commitments to the status where their present one allows it; one UPDATE decides."""
        return self.filter(status=PoolCommitment.Status.COMMITTED).update(status=status, **changes)


class PoolCommitment(models.Model):
    """What one firm takes of a pool, at what price at most.

    ``held`` is what that holds of its demand listing, in the listing's unit: what is bought together is not bought
    alone as well. ``allocated_quantity`` is what it got in the end.
    """

    class Status(models.TextChoices):
        COMMITTED = "committed", _("Committed")
        ALLOCATED = "allocated", _("Ordered")
        UNSERVED = "unserved", _("Nothing was left")
        PRICED_OUT = "priced_out", _("Left: the price was above the maximum")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        RELEASED = "released", _("Released: the collective purchase ended")

    LIVE = (Status.COMMITTED, Status.ALLOCATED)

    pool = models.ForeignKey(PurchasePool, on_delete=models.PROTECT, related_name="commitments")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="pool_commitments")
    demand = models.ForeignKey(
        Listing, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("demand")
    )
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=3)
    maximum_price = models.DecimalField(_("highest unit price"), max_digits=18, decimal_places=4, null=True, blank=True)
    held = models.DecimalField(max_digits=18, decimal_places=3, default=Decimal(0))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.COMMITTED)
    allocated_quantity = models.DecimalField(_("allocated"), max_digits=18, decimal_places=3, null=True, blank=True)
    order = models.OneToOneField(
        "Order", on_delete=models.PROTECT, null=True, blank=True, related_name="pool_commitment"
    )
    committed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    committed_at = models.DateTimeField()
    leave_requested_at = models.DateTimeField(null=True, blank=True)
    leave_reason = models.CharField(_("reason"), max_length=300, blank=True)
    # What leaving late costs, recorded and not moved.
    leaving_amount = models.DecimalField(_("owed"), max_digits=20, decimal_places=2, default=Decimal(0))
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    objects = PoolCommitmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("commitment")
        verbose_name_plural = _("commitments")
        indexes = [models.Index(name="pool_commitment_of_firm", fields=["organisation", "-committed_at"])]
        constraints = [
            models.UniqueConstraint(
                name="pool_commitment_one_live_per_firm",
                fields=["pool", "organisation"],
                condition=Q(status__in=["committed", "allocated"]),
            ),
            models.CheckConstraint(name="pool_commitment_quantity_is_positive", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="pool_commitment_maximum_price_is_positive",
                condition=Q(maximum_price=None) | Q(maximum_price__gt=0),
            ),
            models.CheckConstraint(
                name="pool_commitment_holds_of_a_demand",
                condition=Q(held=0) | Q(held__gt=0, demand__isnull=False, status="committed"),
            ),
            models.CheckConstraint(
                name="pool_commitment_allocated_goes_with_an_order",
                condition=Q(
                    status="allocated",
                    order__isnull=False,
                    allocated_quantity__gt=0,
                    allocated_quantity__lte=F("quantity"),
                )
                | (~Q(status="allocated") & Q(order=None, allocated_quantity=None)),
            ),
            models.CheckConstraint(
                name="pool_commitment_ended_at_goes_with_status",
                condition=Q(status="committed", ended_at=None) | (~Q(status="committed") & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id}: {self.quantity} of {self.pool_id}"
