from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, parsers, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.filters import RecordFilter
from finance.models import RecordImport, RecordKind, TransactionRecord
from finance.services import record_imports, records
from marketplace.api.fields import NumberField, OrganisationBrief, checked, find_organisation
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Membership, Organisation

TEMPLATES = {
    "csv": ("text/csv; charset=utf-8", record_imports.template_csv),
    "xlsx": (record_imports.TYPES[".xlsx"], record_imports.template_xlsx),
}


class TransactionRecordSerializer(serializers.ModelSerializer):
    """A record as it was handed in or came of the platform, with the hash of what it says."""

    counterparty = OrganisationBrief(allow_null=True)
    order = serializers.CharField(source="order.number", default=None, allow_null=True)
    quantity = NumberField(allow_null=True)

    class Meta:
        model = TransactionRecord
        fields = (
            "id",
            "organisation",
            "kind",
            "source",
            "is_verified",
            "invoice_code",
            "number",
            "occurred_on",
            "known_at",
            "counterparty_code",
            "counterparty_name",
            "counterparty",
            "direction",
            "net_amount",
            "tax_amount",
            "total_amount",
            "currency",
            "quantity",
            "unit",
            "goods",
            "reference",
            "is_void",
            "restates",
            "order",
            "imported_by",
            "line",
            "sha256",
        )
        read_only_fields = fields


class RecordProblemSerializer(serializers.Serializer):
    """What is wrong in a line (0: the file as a whole; the headings are 1) and under which heading."""

    line = serializers.IntegerField()
    field = serializers.CharField()
    reason = serializers.CharField()
    zh = serializers.CharField()
    en = serializers.CharField()


class RecordImportSerializer(serializers.ModelSerializer):
    problems = RecordProblemSerializer(many=True)

    class Meta:
        model = RecordImport
        fields = (
            "id",
            "organisation",
            "kind",
            "name",
            "sha256",
            "firm_code",
            "status",
            "rows",
            "added",
            "known",
            "refused",
            "problems",
            "root",
            "failure",
            "requested_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class RecordImportInput(serializers.Serializer):
    file = serializers.FileField(
        allow_empty_file=True, help_text="CSV (UTF-8 or GB18030, also .gz), XLSX, or one electronic invoice as XML."
    )
    organisation = serializers.CharField(help_text="Id or USCC of a firm you trade for.")
    kind = serializers.ChoiceField(choices=RecordKind.choices)
    firm_code = serializers.CharField(
        required=False, allow_blank=True, max_length=60, help_text="Of a file of several firms: whose rows to take."
    )

    def validate_organisation(self, said):
        mine = Organisation.objects.of(self.context["request"].user, *Membership.TRADING_ROLES)
        found = find_organisation(mine, said)
        if found is None:
            raise serializers.ValidationError(_("You trade for no such organisation."))
        return found


class RecordSumSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=RecordKind.choices)
    direction = serializers.CharField()
    currency = serializers.CharField()
    count = serializers.IntegerField()
    total = serializers.DecimalField(max_digits=24, decimal_places=2)
    verified = serializers.DecimalField(max_digits=24, decimal_places=2)
    first_on = serializers.DateField()
    last_on = serializers.DateField()


class RecordMonthSerializer(serializers.Serializer):
    month = serializers.DateField()
    sales = serializers.DecimalField(max_digits=24, decimal_places=2)
    purchases = serializers.DecimalField(max_digits=24, decimal_places=2)


class RecordSummarySerializer(serializers.Serializer):
    sums = RecordSumSerializer(many=True)
    months = RecordMonthSerializer(many=True)


class RecordList(generics.ListAPIView):
    """The records of the reader's own firms, latest first."""

    queryset = TransactionRecord.objects.none()
    serializer_class = TransactionRecordSerializer
    pagination_class = Pages
    filterset_class = RecordFilter

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = TransactionRecord.objects.visible_to(self.request.user)
        return found.with_names().order_by("-occurred_on", "-pk")


class RecordSummary(generics.GenericAPIView):
    queryset = TransactionRecord.objects.none()
    filterset_class = RecordFilter
    pagination_class = None
    serializer_class = RecordSummarySerializer

    def get_queryset(self):
        return TransactionRecord.objects.visible_to(self.request.user)

    def get(self, request):
        """Return what the records add up to, by kind and by month."""
        found = self.filter_queryset(self.get_queryset())
        summary = {"sums": records.kind_sums(found), "months": records.monthly_sums(found)}
        return Response(RecordSummarySerializer(summary).data)


class RecordImportList(CreatingView, generics.ListAPIView):
    """The files of records of the firms the user trades for."""

    queryset = RecordImport.objects.none()
    serializer_class = RecordImportSerializer
    parser_classes = [parsers.MultiPartParser]
    pagination_class = Pages
    filterset_fields = ("organisation", "kind", "status")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return RecordImport.objects.visible_to(self.request.user).order_by("-pk")

    @extend_schema(request=RecordImportInput, responses={HTTPStatus.ACCEPTED: RecordImportSerializer})
    def create(self, request):
        """Hand in a file; a worker reads it, its address tells how far it is and which rows were refused."""
        said = checked(RecordImportInput, request)
        run = record_imports.request_import(by=request.user, now=timezone.now(), **said)
        return Response(RecordImportSerializer(run).data, status=HTTPStatus.ACCEPTED)


class RecordImportDetail(APIView):
    @extend_schema(responses=RecordImportSerializer)
    def get(self, request, pk):
        """Show how an import went."""
        run = get_object_or_404(RecordImport.objects.visible_to(request.user), pk=pk)
        return Response(RecordImportSerializer(run).data)


class RecordTemplate(APIView):
    @extend_schema(responses={(HTTPStatus.OK, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, kind, suffix):
        """Download a file with the headings of a kind and an example row, as csv or xlsx."""
        if kind not in RecordKind.values or suffix not in TEMPLATES:
            raise serializers.ValidationError({"kind": [_("Templates are csv or xlsx, one for each kind.")]})
        content_type, make = TEMPLATES[suffix]
        headers = {"Content-Disposition": f'attachment; filename="{kind}.{suffix}"'}
        return HttpResponse(make(kind), content_type=content_type, headers=headers)
