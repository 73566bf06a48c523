"""What people choose from the market by: for the pages and for the API."""

import re
from decimal import Decimal, InvalidOperation

import django_filters
from django.db.models import JSONField, Q, QuerySet, Value
from django.db.models.fields.json import KeyTransform
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from marketplace.models import Category, Listing, Organisation
from marketplace.models.disclosure import Reader
from marketplace.parsing.normal_form import spell
from marketplace.parsing.places import find_place

# attr_DN=50, attr_DN_min=50, attr_DN_max=100
ATTRIBUTE = re.compile(r"attr_(?P<key>\w{1,60}?)(?:_(?P<end>min|max))?$")
MOST_ATTRIBUTES = 10
MOST_WORDS = 8
LARGEST = 10**15


def _organisations(request) -> QuerySet:
    # Whoever only describes the filter has no request.
    return Organisation.objects.visible_to(request.user) if request else Organisation.objects.none()


class ListingFilter(django_filters.FilterSet):
    """Listings by side, kind, category with all below it, organisation, place, price, words and attributes."""

    q = django_filters.CharFilter(label=_("Words"), method="filter_words")
    side = django_filters.ChoiceFilter(label=_("Side"), choices=Listing.Side.choices)
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Category.Kind.choices)
    category = django_filters.CharFilter(label=_("Category"), method="filter_category")
    cluster = django_filters.CharFilter(label=_("Cluster"), field_name="category__cluster")
    organisation = django_filters.ModelChoiceFilter(
        label=_("Organisation"), queryset=_organisations, method="filter_organisation"
    )
    region = django_filters.CharFilter(label=_("Region"), method="filter_region")
    price_min = django_filters.NumberFilter(label=_("Price from"), method="filter_price_min")
    price_max = django_filters.NumberFilter(label=_("Price to"), method="filter_price_max")
    currency = django_filters.CharFilter(label=_("Currency"), lookup_expr="iexact")
    status = django_filters.MultipleChoiceFilter(label=_("Status"), choices=Listing.Status.choices)
    external_id = django_filters.CharFilter(label=_("External id"))
    mine = django_filters.BooleanFilter(label=_("My organisations' only"), method="filter_mine")
    published_after = django_filters.IsoDateTimeFilter(
        label=_("Published after"), field_name="published_at", lookup_expr="gt"
    )
    ordering = django_filters.OrderingFilter(
        label=_("Order"),
        fields=("published_at", "updated_at", "price_min", "quantity", "expires_at", "id"),
        field_labels={
            "published_at": _("Published"),
            "updated_at": _("Changed"),
            "price_min": _("Price"),
            "quantity": _("Quantity"),
            "expires_at": _("Expiry"),
            "id": _("Number"),
        },
    )

    class Meta:
        model = Listing
        fields = ()

    def filter_queryset(self, queryset: QuerySet) -> QuerySet:
        """Narrow by the declared filters, then by the attributes asked for."""
        queryset = super().filter_queryset(queryset)
        asked = [
            (match, value)
            for name, value in self.data.items()
            if value and "\x00" not in value and (match := ATTRIBUTE.match(name))
        ]
        for match, value in asked[:MOST_ATTRIBUTES]:
            queryset = queryset.filter(_attribute(match["key"], match["end"], value))
        return queryset

    def filter_organisation(self, queryset: QuerySet, _name: str, value: Organisation) -> QuerySet:
        """Keep the firm's own, unless it hides from this reader whose they are."""
        return queryset.filter(organisation=value) if Reader(self.request.user).knows(value) else queryset.none()

    def filter_words(self, queryset: QuerySet, _name: str, value: str) -> QuerySet:
        """Keep what has every word in its title, text or category, in either language."""
        for word in value.split()[:MOST_WORDS]:
            found = Q()
            for field in ("title_zh", "title_en", "text_zh", "text_en", "category__name_zh", "category__name_en"):
                found |= Q(**{f"{field}__icontains": word})
            queryset = queryset.filter(found)
        return queryset

    def filter_category(self, queryset: QuerySet, _name: str, value: str) -> QuerySet:
        named = Category.objects.catalogue().named(value)
        return queryset.filter(category__in=Category.objects.under(named.code if named else value))

    def filter_region(self, queryset: QuerySet, _name: str, value: str) -> QuerySet:
        """Keep what is in the place or in any place within it: 33 and 330000 are all of Zhejiang."""
        code = find_place(value)
        if code is None:
            return queryset.none()
        return queryset.filter(region__startswith=code.removesuffix("00").removesuffix("00"))

    def filter_price_min(self, queryset: QuerySet, _name: str, value: Decimal) -> QuerySet:
        """Keep what may cost this much or more; a listing without a price may."""
        return queryset.filter(Q(price_max__gte=value) | Q(price_max=None, price_min__gte=value) | _without_price())

    def filter_price_max(self, queryset: QuerySet, _name: str, value: Decimal) -> QuerySet:
        return queryset.filter(Q(price_min__lte=value) | Q(price_min=None, price_max__lte=value) | _without_price())

    def filter_mine(self, queryset: QuerySet, _name: str, value: bool) -> QuerySet:  # noqa: FBT001 - django-filter's call
        mine = Organisation.objects.of(self.request.user)
        return queryset.filter(organisation__in=mine) if value else queryset.exclude(organisation__in=mine)


def _json(number: float) -> Value:
    return Value(number, output_field=JSONField())


def _without_price() -> Q:
    return Q(price_min=None, price_max=None)


def _attribute(key: str, end: str | None, value: str) -> Q:
    """Return the listings whose attribute is the value, as a number or in its normal form, or within the end given."""
    number = _number(value)
    if end:
        if number is None:
            return Q(pk=None)
        kept = KeyTransform(key, "attributes")
        if end == "min":
            return Q(GreaterThanOrEqual(kept, _json(number)))
        # In JSON's own order texts stand before numbers.
        return Q(LessThanOrEqual(kept, _json(number))) & Q(GreaterThanOrEqual(kept, _json(-1e300)))
    found = Q()
    for spelling in dict.fromkeys((value, spell(value))):
        found |= Q(attributes__contains={key: spelling}) | Q(attributes__contains={key: [spelling]})
    if number is not None:
        found |= Q(attributes__contains={key: number})
    if value.lower() in ("true", "false"):
        found |= Q(attributes__contains={key: value.lower() == "true"})
    return found


def _number(value: str) -> int | float | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= LARGEST:
        return None
    return int(number) if number == number.to_integral() else float(number)
