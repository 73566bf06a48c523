"""What lists of records and findings can be narrowed to, on pages and in the API."""

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from finance.models import Finding, RecordKind, TransactionRecord
from marketplace.models import Organisation


def _my_firms(request):
    return Organisation.objects.none() if request is None else Organisation.objects.of(request.user).order_by("pk")


class RecordFilter(django_filters.FilterSet):
    """Records by firm, kind, source, period, counterparty, number, and whether they count."""

    organisation = django_filters.ModelChoiceFilter(label=_("Firm"), queryset=_my_firms)
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=RecordKind.choices)
    source = django_filters.ChoiceFilter(label=_("Source"), choices=TransactionRecord.Source.choices)
    occurred_from = django_filters.DateFilter(label=_("From"), field_name="occurred_on", lookup_expr="gte")
    occurred_until = django_filters.DateFilter(label=_("Until"), field_name="occurred_on", lookup_expr="lte")
    counterparty = django_filters.CharFilter(label=_("Counterparty"), method="filter_counterparty")
    number = django_filters.CharFilter(label=_("Number"), field_name="number", lookup_expr="startswith")
    imported_by = django_filters.NumberFilter(label=_("Import"), field_name="imported_by")
    is_void = django_filters.BooleanFilter(label=_("Void"))

    class Meta:
        model = TransactionRecord
        fields: list[str] = []

    def filter_counterparty(self, queryset, name, value):
        words = value.strip()
        said = Q(counterparty_code__iexact=words) | Q(counterparty_name__icontains=words)
        return queryset.filter(said | Q(counterparty__name_zh__icontains=words) | Q(counterparty__uscc=words.upper()))


class FindingFilter(django_filters.FilterSet):
    """Findings by firm, kind, severity, and whether they still stand."""

    organisation = django_filters.ModelChoiceFilter(label=_("Firm"), queryset=_my_firms)
    kind = django_filters.ChoiceFilter(label=_("Kind"), choices=Finding.Kind.choices)
    severity = django_filters.ChoiceFilter(label=_("Severity"), choices=Finding.Severity.choices)
    is_gone = django_filters.BooleanFilter(label=_("Gone"), field_name="gone_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Finding
        fields: list[str] = []
