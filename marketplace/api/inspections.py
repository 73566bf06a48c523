from http import HTTPStatus

import django_filters
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from config.http import file_response
from marketplace.api.attachments import AttachmentIdsField
from marketplace.api.fields import NumberField, OrganisationBrief
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Inspection, InspectionResult, Lot
from marketplace.services import inspection_answers, inspections
from marketplace.services.shipment_papers import inspection_report


class ResultSerializer(serializers.ModelSerializer):
    class Meta:
        model = InspectionResult
        fields = ("attribute", "expected", "tolerance", "measured", "unit", "passed")
        read_only_fields = fields


class InspectionSerializer(serializers.ModelSerializer):
    organisation = OrganisationBrief()
    by = serializers.CharField(source="by.username")
    inspected_quantity = NumberField()
    accepted_quantity = NumberField()
    concession_quantity = NumberField()
    rejected_quantity = NumberField()
    unit = serializers.CharField(source="lot.unit")
    results = ResultSerializer(many=True)
    attachments = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    is_current = serializers.SerializerMethodField()

    class Meta:
        model = Inspection
        fields = (
            "id",
            "number",
            "lot",
            "organisation",
            "by",
            "at",
            "method",
            "sample_size",
            "verdict",
            "inspected_quantity",
            "accepted_quantity",
            "concession_quantity",
            "rejected_quantity",
            "unit",
            "price_reduction_percent",
            "concession_status",
            "remedy",
            "note",
            "results",
            "attachments",
            "is_current",
        )
        read_only_fields = fields

    def get_is_current(self, inspection) -> bool:
        return inspection.superseded_at is None


class InspectionInput(serializers.Serializer):
    lot = serializers.PrimaryKeyRelatedField(queryset=Lot.objects.none())
    accepted = serializers.CharField(max_length=40, required=False, allow_blank=True, default="0")
    concession = serializers.CharField(max_length=40, required=False, allow_blank=True, default="0")
    rejected = serializers.CharField(max_length=40, required=False, allow_blank=True, default="0")
    results = serializers.DictField(
        required=False, help_text="What was measured by attribute of the order line: a value, or {measured, unit}."
    )
    verdict = serializers.ChoiceField(
        choices=Inspection.Verdict.choices, required=False, help_text="Follows from the quantities; checked if given."
    )
    price_reduction_percent = serializers.CharField(max_length=10, required=False, default="0")
    method = serializers.CharField(max_length=200, required=False, allow_blank=True)
    sample_size = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    attachments = AttachmentIdsField(many=True, required=False)

    def get_fields(self):
        fields = super().get_fields()
        user = getattr(self.context.get("request"), "user", None)
        if user is not None and user.is_authenticated:
            fields["lot"].queryset = Lot.objects.inspectable_by(user).select_related("shipment")
        return fields


class InspectionFilter(filters.FilterSet):
    lot = django_filters.NumberFilter(field_name="lot_id")
    shipment = django_filters.NumberFilter(field_name="lot__shipment_id")
    order = django_filters.NumberFilter(field_name="lot__order_line__order_id")
    verdict = django_filters.ChoiceFilter(choices=Inspection.Verdict.choices)

    class Meta:
        model = Inspection
        fields = ("lot", "shipment", "order", "verdict")


def _visible(user):
    return Inspection.objects.visible_to(user).with_details()


class InspectionList(CreatingView, generics.ListAPIView):
    """Inspections of lots that the user's organisations send, bought or handle."""

    serializer_class = InspectionSerializer
    pagination_class = Pages
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = InspectionFilter
    queryset = Inspection.objects.none()

    def get_queryset(self):
        return _visible(self.request.user).order_by("-pk")

    @extend_schema(
        request=InspectionInput,
        responses={HTTPStatus.CREATED: InspectionSerializer},
        examples=[
            OpenApiExample(
                "A tenth is rejected",
                value={
                    "lot": 5,
                    "accepted": "180",
                    "rejected": "20",
                    "results": {"DN": "51.2", "PN": {"measured": "1.6", "unit": "MPa"}},
                    "method": "GB/T 13927",
                    "sample_size": 8,
                },
                request_only=True,
            )
        ],
    )
    def create(self, request):
        """Judge a lot by what was measured; a later inspection takes the place of an earlier one."""
        serializer = InspectionInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        inspection = inspections.inspect_lot(by=request.user, now=timezone.now(), **serializer.validated_data)
        shown = _visible(request.user).get(pk=inspection.pk)
        return Response(InspectionSerializer(shown).data, status=HTTPStatus.CREATED)


class InspectionDetail(APIView):
    @extend_schema(responses=InspectionSerializer)
    def get(self, request, pk):
        """Show one inspection."""
        return Response(InspectionSerializer(get_object_or_404(_visible(request.user), pk=pk)).data)


class ConcessionInput(serializers.Serializer):
    is_agreed = serializers.BooleanField()


class ConcessionAnswer(APIView):
    @extend_schema(request=ConcessionInput, responses=InspectionSerializer)
    def post(self, request, pk):
        """Take goods at a concession, as the buyer, or refuse them."""
        inspection = get_object_or_404(Inspection.objects.answerable_by(request.user), pk=pk)
        serializer = ConcessionInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        inspection_answers.answer_concession(
            inspection=inspection, by=request.user, now=timezone.now(), **serializer.validated_data
        )
        return Response(InspectionSerializer(_visible(request.user).get(pk=pk)).data)


class RemedyInput(serializers.Serializer):
    remedy = serializers.ChoiceField(choices=Inspection.Remedy.choices)


class RejectedDecision(APIView):
    @extend_schema(request=RemedyInput, responses=InspectionSerializer)
    def post(self, request, pk):
        """Send rejected goods back, as the buyer: for good, or to have them replaced."""
        inspection = get_object_or_404(Inspection.objects.answerable_by(request.user), pk=pk)
        serializer = RemedyInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        inspection_answers.decide_rejected(
            inspection=inspection, by=request.user, now=timezone.now(), **serializer.validated_data
        )
        return Response(InspectionSerializer(_visible(request.user).get(pk=pk)).data)


class InspectionPaper(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("language", str, enum=["zh", "en"])],
        responses={(HTTPStatus.OK, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request, pk):
        """Download the report."""
        inspection = get_object_or_404(_visible(request.user), pk=pk)
        content = inspection_report(inspection, request.query_params.get("language") or get_language())
        return file_response(content, name=f"{inspection.number}.pdf", content_type="application/pdf")


urlpatterns = [
    path("inspections/", InspectionList.as_view(), name="api_inspection_list"),
    path("inspections/<int:pk>/", InspectionDetail.as_view(), name="api_inspection_detail"),
    path("inspections/<int:pk>/concession/", ConcessionAnswer.as_view(), name="api_concession_answer"),
    path("inspections/<int:pk>/rejected/", RejectedDecision.as_view(), name="api_rejected_decide"),
    path("inspections/<int:pk>/report.pdf", InspectionPaper.as_view(), name="api_inspection_paper"),
]
