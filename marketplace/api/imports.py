from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, parsers, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.api.listing_serializers import ListingCreate
from marketplace.api.pages import Pages
from marketplace.models import ListingImport
from marketplace.services import imports

TEMPLATES = {
    "csv": ("text/csv; charset=utf-8", imports.template_csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", imports.template_xlsx),
}


class ImportErrorSerializer(serializers.Serializer):
    """What is wrong in a row (0: the file as a whole) and under which heading."""

    row = serializers.IntegerField()
    column = serializers.CharField()
    code = serializers.CharField()
    zh = serializers.CharField()
    en = serializers.CharField()


class ImportSerializer(serializers.ModelSerializer):
    errors = ImportErrorSerializer(many=True)

    class Meta:
        model = ListingImport
        fields = (
            "id",
            "organisation",
            "mode",
            "file_name",
            "status",
            "created",
            "updated",
            "unchanged",
            "refused",
            "errors",
            "failure",
            "requested_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields


class ImportInput(ListingCreate):
    """A file, for whom, and what to do where rows are bad."""

    def get_fields(self):
        return {
            "file": serializers.FileField(help_text="CSV (UTF-8 or GB18030) or XLSX; see the template."),
            "organisation": serializers.CharField(
                required=False, help_text="Id or USCC; may be missing as in listings."
            ),
            "mode": serializers.ChoiceField(ListingImport.Mode.choices, default=ListingImport.Mode.GOOD_ROWS),
        }

    def to_internal_value(self, data):
        said = serializers.Serializer.to_internal_value(self, data)
        return said | {"organisation": self.find_organisation(said.get("organisation"))}


class ImportList(CreatingView, generics.ListAPIView):
    """The imports of the organisations the user trades for."""

    queryset = ListingImport.objects.none()
    serializer_class = ImportSerializer
    parser_classes = [parsers.MultiPartParser]
    pagination_class = Pages
    filterset_fields = ("organisation", "status")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return ListingImport.objects.visible_to(self.request.user).order_by("-pk")

    @extend_schema(request=ImportInput, responses={HTTPStatus.ACCEPTED: ImportSerializer})
    def create(self, request):
        """Hand in a file; a worker reads it, its address tells how far it is and which rows were refused."""
        serializer = ImportInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        run = imports.request_import(by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(ImportSerializer(run).data, status=HTTPStatus.ACCEPTED)


class ImportDetail(APIView):
    @extend_schema(responses=ImportSerializer)
    def get(self, request, pk):
        """Show how an import went."""
        run = get_object_or_404(ListingImport.objects.visible_to(request.user), pk=pk)
        return Response(ImportSerializer(run).data)


class ImportTemplate(APIView):
    @extend_schema(responses={(HTTPStatus.OK, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, suffix):
        """Download a file with the headings and an example row, as csv or xlsx."""
        if suffix not in TEMPLATES:
            raise serializers.ValidationError({"suffix": [_("Templates are csv or xlsx.")]})
        content_type, make = TEMPLATES[suffix]
        headers = {"Content-Disposition": f'attachment; filename="listings.{suffix}"'}
        return HttpResponse(make(), content_type=content_type, headers=headers)


urlpatterns = [
    path("imports/", ImportList.as_view(), name="api_import_list"),
    path("imports/<int:pk>/", ImportDetail.as_view(), name="api_import_detail"),
    path("imports/template.<str:suffix>", ImportTemplate.as_view(), name="api_import_template"),
]
