from http import HTTPStatus

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, parsers, serializers
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from config.http import file_response
from marketplace.api.fields import FirmBrief, NumberField, checked, find_organisation
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Membership, Organisation
from marketplace.models.disclosure import Reader
from marketplace.parsing.places import find_place
from matching.api.matches import ReasonSerializer
from matching.leads.filtering import LeadFilter, region_start
from matching.models import BuildingProject, LeadContact, ProjectImport
from matching.services import lead_exports, leads, projects


class ProjectSerializer(serializers.ModelSerializer):
    """A building project; ``is_private``: only the firm that brought it sees it."""

    is_private = serializers.BooleanField(read_only=True)
    investment = NumberField(allow_null=True, help_text="In 10,000 CNY.")
    owner = serializers.PrimaryKeyRelatedField(
        read_only=True, allow_null=True, help_text="Where it is registered here."
    )
    categories = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="Read in the equipment needed."
    )

    class Meta:
        model = BuildingProject
        fields = (
            "id", "external_id", "name", "owner_name", "owner", "region", "industry", "kind", "stage", "investment",
            "starts_on", "finishes_on", "equipment", "categories", "contact_name", "contact_phone", "contact_email",
            "source", "url", "is_private", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields

    def to_representation(self, instance):
        shown = super().to_representation(instance)
        # Where the owner hides its name here, the link would give away which firm it is.
        request = self.context.get("request")
        if instance.owner is not None and request is not None and not Reader.behind(request).knows(instance.owner):
            shown["owner"] = None
        return shown


class LeadContactSerializer(serializers.ModelSerializer):
    by = serializers.CharField(source="by.username", read_only=True)

    class Meta:
        model = LeadContact
        fields = ("id", "outcome", "note", "negotiation", "by", "at")
        read_only_fields = fields


class SupplyLeadSerializer(serializers.Serializer):
    """A firm or a building project (the other is null) that could need the supply though it posted nothing."""

    key = serializers.CharField(help_text="Names the lead of this supply in the other calls.")
    kind = serializers.ChoiceField(["firm", "project"])
    score = serializers.FloatField(help_text="The chance in per cent that it needs the goods within three months.")
    rank = serializers.IntegerField()
    reasons = ReasonSerializer(many=True)
    firm = FirmBrief(allow_null=True)
    project = ProjectSerializer(allow_null=True)
    contact = LeadContactSerializer(allow_null=True, help_text="What was last written about it.")
    model_version = serializers.CharField()

    def to_representation(self, instance):
        shown = super().to_representation(instance)
        if shown["firm"] and shown["firm"]["id"] is None and shown["firm"]["region"]:
            shown["firm"]["region"] = f"{shown['firm']['region'][:4]}00"
        return shown


class LeadPages(LimitOffsetPagination):
    default_limit = 50
    max_limit = leads.KEPT


FILTERS = [
    OpenApiParameter("kind", str, enum=["firm", "project"]),
    OpenApiParameter("industry", str, description="Code of GB/T 4754, of any length."),
    OpenApiParameter("region", str, description="Code or name of a place."),
    OpenApiParameter("stage", str, enum=BuildingProject.Stage.values),
    OpenApiParameter("least_score", float),
    OpenApiParameter("state", str, enum=list(leads.STATES)),
]


class LeadFilterInput(serializers.Serializer):
    kind = serializers.ChoiceField(["firm", "project"], required=False, default="")
    industry = serializers.CharField(required=False, default="", max_length=4)
    region = serializers.CharField(required=False, default="", max_length=100)
    stage = serializers.ChoiceField(BuildingProject.Stage.values, required=False, default="")
    least_score = serializers.FloatField(required=False, default=0.0, min_value=0, max_value=100)
    state = serializers.ChoiceField(list(leads.STATES), required=False, default="")

    def validate_region(self, value: str) -> str:
        if value and (code := find_place(value)) is None:
            raise serializers.ValidationError(_("No place has this name or code: try the city or the province."))
        return region_start(code) if value else ""


def _wanted(request) -> LeadFilter:
    said = LeadFilterInput(data={name: value for name, value in request.query_params.items() if value})
    said.is_valid(raise_exception=True)
    return LeadFilter(**said.validated_data)


def _supply(request, listing_id):
    return get_object_or_404(leads.own_supplies(user=request.user, now=timezone.now()).with_names(), pk=listing_id)


def _lead(request, supply, key) -> leads.Lead:
    lead = leads.lead_about(supply=supply, user=request.user, key=key, now=timezone.now())
    if lead is None:
        raise Http404
    return lead


class LeadList(APIView):
    @extend_schema(
        operation_id="listing_leads_list",
        parameters=[*FILTERS, OpenApiParameter("limit", int), OpenApiParameter("offset", int)],
        responses=SupplyLeadSerializer(many=True),
    )
    def get(self, request, listing_id):
        """List whom one of your open supplies should be offered to though they posted nothing, best first."""
        supply = _supply(request, listing_id)
        found = leads.find_leads(supply=supply, user=request.user, now=timezone.now(), wanted=_wanted(request))
        pages = LeadPages()
        page = pages.paginate_queryset(found, request)
        return pages.get_paginated_response(SupplyLeadSerializer(page, many=True, context={"request": request}).data)


class LeadDetail(APIView):
    @extend_schema(operation_id="listing_leads_retrieve", responses=SupplyLeadSerializer)
    def get(self, request, listing_id, key):
        """Show one lead of a supply, also where it was won or stands far down."""
        lead = _lead(request, _supply(request, listing_id), key)
        return Response(SupplyLeadSerializer(lead, context={"request": request}).data)


class LeadContactInput(serializers.Serializer):
    outcome = serializers.ChoiceField(LeadContact.Outcome.choices)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class LeadContacts(CreatingView):
    @extend_schema(operation_id="listing_leads_contacts_list", responses=LeadContactSerializer(many=True))
    def get(self, request, listing_id, key):
        """List what your firm wrote about a lead, the newest first."""
        supply = _supply(request, listing_id)
        rows = leads.contacts_with(supply=supply, lead=_lead(request, supply, key), user=request.user)
        return Response(LeadContactSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="listing_leads_contacts_create",
        request=LeadContactInput,
        responses={HTTPStatus.CREATED: LeadContactSerializer},
    )
    def create(self, request, listing_id, key):
        """Write down that a lead was contacted, won or lost."""
        supply = _supply(request, listing_id)
        said = checked(LeadContactInput, request)
        lead = _lead(request, supply, key)
        row = leads.record_contact(supply=supply, lead=lead, by=request.user, now=timezone.now(), **said)
        return Response(LeadContactSerializer(row).data, status=HTTPStatus.CREATED)


class OpenedNegotiation(serializers.Serializer):
    negotiation = serializers.IntegerField()


class LeadInvite(CreatingView):
    @extend_schema(operation_id="listing_leads_invite", request=None, responses={HTTPStatus.CREATED: OpenedNegotiation})
    def create(self, request, listing_id, key):
        """Invite a lead to negotiate about the supply, and note the contact."""
        supply = _supply(request, listing_id)
        lead = _lead(request, supply, key)
        negotiation = leads.invite_lead(supply=supply, lead=lead, by=request.user, now=timezone.now())
        return Response({"negotiation": negotiation.pk}, status=HTTPStatus.CREATED)


class LeadExport(APIView):
    @extend_schema(
        operation_id="listing_leads_export",
        parameters=[*FILTERS, OpenApiParameter("suffix", str, OpenApiParameter.PATH, enum=["csv", "xlsx"])],
        responses={(HTTPStatus.OK, "text/csv"): OpenApiTypes.BINARY},
    )
    def get(self, request, listing_id, suffix) -> HttpResponse:
        """Download the leads of a supply as csv or xlsx."""
        if suffix not in lead_exports.WRITERS:
            raise serializers.ValidationError({"suffix": [_("Lists are csv or xlsx.")]})
        supply = _supply(request, listing_id)
        found = leads.find_leads(supply=supply, user=request.user, now=timezone.now(), wanted=_wanted(request))
        content, content_type = lead_exports.write_leads(found, reader=Reader(request.user), suffix=suffix)
        return file_response(content, name=f"leads-{supply.pk}.{suffix}", content_type=content_type)


@extend_schema(
    parameters=[
        OpenApiParameter("q", str),
        OpenApiParameter("region", str, description="Start of a code of GB/T 2260."),
        OpenApiParameter("kind", str, enum=BuildingProject.Kind.values),
        OpenApiParameter("stage", str, enum=BuildingProject.Stage.values),
    ]
)
class ProjectList(generics.ListAPIView):
    """The building projects that everybody sees, and those that your own firms brought."""

    queryset = BuildingProject.objects.none()
    serializer_class = ProjectSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        said = self.request.query_params
        visible = BuildingProject.objects.visible_to(self.request.user).select_related("owner__disclosure")
        found = visible.chosen(
            words=said.get("q", "")[:100],
            region=said.get("region", "")[:6],
            kind=said.get("kind", ""),
            stage=said.get("stage", ""),
        )
        return found.order_by("-updated_at", "-pk")


class ProjectDetail(APIView):
    @extend_schema(operation_id="projects_retrieve", responses=ProjectSerializer)
    def get(self, request, pk):
        """Show a building project."""
        visible = BuildingProject.objects.visible_to(request.user).select_related("owner__disclosure")
        return Response(ProjectSerializer(get_object_or_404(visible, pk=pk), context={"request": request}).data)


class ProblemSerializer(serializers.Serializer):
    """What is wrong in a row and under which heading."""

    row = serializers.IntegerField()
    column = serializers.CharField()
    code = serializers.CharField()
    zh = serializers.CharField()
    en = serializers.CharField()


class ProjectImportSerializer(serializers.ModelSerializer):
    problems = ProblemSerializer(many=True)

    class Meta:
        model = ProjectImport
        fields = ("id", "brought_by", "file_name", "created", "updated", "unchanged", "refused", "problems", "at")
        read_only_fields = fields


class ProjectImportInput(serializers.Serializer):
    file = serializers.FileField(
        allow_empty_file=True, help_text="CSV (UTF-8 or GB18030) or XLSX; see projects/template.csv."
    )
    organisation = serializers.CharField(
        required=False, default="", help_text="Id or USCC of your firm; empty: for everybody (the platform operator)."
    )


class ProjectImports(CreatingView, generics.ListAPIView):
    """The imports of building projects of the firms you trade for."""

    queryset = ProjectImport.objects.none()
    serializer_class = ProjectImportSerializer
    pagination_class = Pages
    parser_classes = [parsers.MultiPartParser]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return ProjectImport.objects.visible_to(self.request.user).order_by("-pk")

    @extend_schema(request=ProjectImportInput, responses={HTTPStatus.CREATED: ProjectImportSerializer})
    def create(self, request):
        """Import a file of building projects, for your firm alone or, as the platform operator, for everybody."""
        said = checked(ProjectImportInput, request)
        organisation = None
        if said["organisation"]:
            mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
            organisation = find_organisation(mine, said["organisation"])
            if organisation is None:
                raise serializers.ValidationError({"organisation": [_("You trade for no organisation of this id.")]})
        done = projects.import_projects(
            file=said["file"].file,
            name=said["file"].name,
            by=request.user,
            organisation=organisation,
            now=timezone.now(),
        )
        return Response(ProjectImportSerializer(done).data, status=HTTPStatus.CREATED)


class ProjectImportDetail(APIView):
    @extend_schema(operation_id="projects_imports_retrieve", responses=ProjectImportSerializer)
    def get(self, request, pk):
        """Show what became of a file of building projects."""
        done = get_object_or_404(ProjectImport.objects.visible_to(request.user), pk=pk)
        return Response(ProjectImportSerializer(done).data)


_LEADS = "api/v1/listings/<int:listing_id>/leads/"
urlpatterns = [
    path(_LEADS, LeadList.as_view(), name="api_lead_list"),
    path(f"{_LEADS}export.<str:suffix>", LeadExport.as_view(), name="api_lead_export"),
    path(f"{_LEADS}<str:key>/", LeadDetail.as_view(), name="api_lead_detail"),
    path(f"{_LEADS}<str:key>/contacts/", LeadContacts.as_view(), name="api_lead_contacts"),
    path(f"{_LEADS}<str:key>/invite/", LeadInvite.as_view(), name="api_lead_invite"),
    path("api/v1/projects/", ProjectList.as_view(), name="api_project_list"),
    path("api/v1/projects/<int:pk>/", ProjectDetail.as_view(), name="api_project_detail"),
    path("api/v1/projects/imports/", ProjectImports.as_view(), name="api_project_imports"),
    path("api/v1/projects/imports/<int:pk>/", ProjectImportDetail.as_view(), name="api_project_import_detail"),
]
