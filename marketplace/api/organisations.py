from http import HTTPStatus

import django_filters
from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import generics, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import OrganisationBrief, find_organisation
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Block, Listing, Membership, Organisation, Report
from marketplace.parsing.places import find_place
from marketplace.services import organisations

# What a firm's members and the platform operator see; strangers meet the firm through its listings.
PRIVATE = ("contact_name", "contact_phone", "contact_email", "review_note")


class OrganisationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Organisation
        fields = (
            "id",
            "kind",
            *Organisation.PROFILE_FIELDS,
            "state",
            "review_note",
            "is_demo",
            "created_at",
        )
        read_only_fields = fields

    def to_representation(self, organisation):
        shown = super().to_representation(organisation)
        if not self._may_see_contacts(organisation):
            for name in PRIVATE:
                shown.pop(name)
        return shown

    def _may_see_contacts(self, organisation) -> bool:
        user = self.context["request"].user
        if "mine" not in self.context:
            self.context["mine"] = set(Organisation.objects.of(user).values_list("pk", flat=True))
        return user.is_staff or organisation.pk in self.context["mine"]


class ProfileInput(serializers.ModelSerializer):
    """What an organisation says of itself; the service checks identifiers by their registers' rules."""

    class Meta:
        model = Organisation
        fields = Organisation.PROFILE_FIELDS
        extra_kwargs = {
            "uscc": {"validators": [], "max_length": 40},
            **{name: {"required": False} for name in Organisation.PROFILE_FIELDS if name != "uscc"},
        }
        # The service and the database see to who was first.
        validators = []

    # A place may be named; its code is shorter than most names.
    region = serializers.CharField(required=False, allow_blank=True, max_length=60)


class Registration(ProfileInput):
    kind = serializers.ChoiceField(Organisation.Kind.choices, default=Organisation.Kind.ENTERPRISE)

    class Meta(ProfileInput.Meta):
        fields = ("kind", *ProfileInput.Meta.fields)


class OrganisationFilter(filters.FilterSet):
    q = django_filters.CharFilter(method="filter_name", label="part of the name, or the USCC")
    region = django_filters.CharFilter(method="filter_region", label="GB/T 2260 code or name; everything within")
    mine = django_filters.BooleanFilter(method="filter_mine", label="only organisations the user is a member of")

    class Meta:
        model = Organisation
        fields = ("kind", "industry", "state")

    def filter_name(self, queryset, _name, value):
        return queryset.named_like(value)

    def filter_region(self, queryset, _name, value):
        code = find_place(value)
        return (
            queryset.filter(region__startswith=code.removesuffix("00").removesuffix("00")) if code else queryset.none()
        )

    def filter_mine(self, queryset, _name, value):
        mine = Organisation.objects.of(self.request.user)
        return queryset.filter(pk__in=mine) if value else queryset.exclude(pk__in=mine)


class OrganisationList(CreatingView, generics.ListAPIView):
    """Approved organisations, and the user's own."""

    queryset = Organisation.objects.none()
    serializer_class = OrganisationSerializer
    filterset_class = OrganisationFilter
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Organisation.objects.visible_to(self.request.user).order_by("pk")

    @extend_schema(
        request=Registration,
        responses={HTTPStatus.CREATED: OrganisationSerializer},
        examples=[
            OpenApiExample(
                "A valve maker",
                value={"name_zh": "玉环阀门厂", "uscc": "91331021MA2DYC1L2T", "region": "玉环市", "industry": "3443"},
                request_only=True,
            )
        ],
    )
    def create(self, request):
        """Register a firm; the user becomes its owner, the platform operator approves it."""
        serializer = Registration(data=request.data)
        serializer.is_valid(raise_exception=True)
        organisation = organisations.register_organisation(
            by=request.user, now=timezone.now(), **serializer.validated_data
        )
        return Response(
            OrganisationSerializer(organisation, context={"request": request}).data, status=HTTPStatus.CREATED
        )


class OrganisationDetail(APIView):
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @extend_schema(responses=OrganisationSerializer)
    def get(self, request, pk):
        """Show an organisation; its contact and review note only to its members."""
        organisation = get_object_or_404(Organisation.objects.visible_to(request.user), pk=pk)
        return Response(OrganisationSerializer(organisation, context={"request": request}).data)

    @extend_schema(request=ProfileInput, responses=OrganisationSerializer)
    def patch(self, request, pk):
        """Change the profile (owners); another name or identifier waits for approval again."""
        owned = Organisation.objects.of(request.user, Membership.Role.OWNER)
        organisation = get_object_or_404(owned, pk=pk)
        serializer = ProfileInput(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        organisation = organisations.update_profile(
            organisation=organisation, by=request.user, now=timezone.now(), **serializer.validated_data
        )
        return Response(OrganisationSerializer(organisation, context={"request": request}).data)


class ReviewInput(serializers.Serializer):
    decision = serializers.ChoiceField(["approve", "refuse", "suspend"])
    note = serializers.CharField(max_length=2000, required=False, default="", help_text="The members read it.")


class OrganisationReview(APIView):
    SERVICES = {
        "approve": organisations.approve_organisation,
        "refuse": organisations.refuse_organisation,
        "suspend": organisations.suspend_organisation,
    }

    @extend_schema(request=ReviewInput, responses=OrganisationSerializer)
    def post(self, request, pk):
        """Decide on a registration (the platform operator)."""
        reviewable = Organisation.objects.all() if request.user.is_staff else Organisation.objects.none()
        organisation = get_object_or_404(reviewable, pk=pk)
        serializer = ReviewInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        self.SERVICES[said["decision"]](
            organisation=organisation, by=request.user, note=said["note"], now=timezone.now()
        )
        return Response(OrganisationSerializer(organisation, context={"request": request}).data)


class ContestInput(serializers.Serializer):
    uscc = serializers.CharField(max_length=40, help_text="Or the foreign identifier under which it is registered.")
    evidence = serializers.CharField(max_length=4000)


class ContestAnswer(serializers.Serializer):
    id = serializers.IntegerField()
    created_at = serializers.DateTimeField()


class UsccContestCreate(CreatingView):
    @extend_schema(request=ContestInput, responses={HTTPStatus.CREATED: ContestAnswer})
    def create(self, request):
        """Claim a firm that somebody else registered; the platform operator decides."""
        serializer = ContestInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        identifier = said["uscc"].replace(" ", "").upper()
        # Any firm may be claimed, approved or not: whoever knows its identifier has it from its licence.
        known = Organisation.objects.filter(Q(uscc=identifier) | Q(foreign_identifier=identifier)).order_by("pk")
        organisation = get_object_or_404(known[:1])
        contest = organisations.contest_uscc(
            organisation=organisation, by=request.user, evidence=said["evidence"], now=timezone.now()
        )
        return Response(ContestAnswer(contest).data, status=HTTPStatus.CREATED)


class BlockSerializer(serializers.ModelSerializer):
    blocked = OrganisationBrief()
    by = serializers.CharField(source="by.username")

    class Meta:
        model = Block
        fields = ("id", "blocked", "by", "created_at")
        read_only_fields = fields


class BlockInput(serializers.Serializer):
    blocked = serializers.CharField(help_text="Id or USCC of the organisation to block.")


def _traded(request):
    return Organisation.objects.of(request.user, *Membership.TRADING_ROLES)


class BlockList(CreatingView):
    @extend_schema(operation_id="blocks_list", responses=BlockSerializer(many=True))
    def get(self, request, pk):
        """List whom an organisation of the user's blocks."""
        organisation = get_object_or_404(_traded(request), pk=pk)
        blocks = organisation.blocks.select_related("blocked", "by").order_by("pk")
        return Response(BlockSerializer(blocks, many=True).data)

    @extend_schema(request=BlockInput, responses={HTTPStatus.CREATED: BlockSerializer})
    def create(self, request, pk):
        """Block an organisation: neither sees the other's listings nor is matched with them."""
        organisation = get_object_or_404(_traded(request), pk=pk)
        serializer = BlockInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        blocked = find_organisation(Organisation.objects.visible_to(request.user), serializer.validated_data["blocked"])
        if blocked is None:
            raise serializers.ValidationError({"blocked": [_("There is no organisation of this id or code.")]})
        block = organisations.block_organisation(
            organisation=organisation, blocked=blocked, by=request.user, now=timezone.now()
        )
        return Response(BlockSerializer(block).data, status=HTTPStatus.CREATED)


class BlockDetail(APIView):
    @extend_schema(responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        """Take a block off."""
        blocks = Block.objects.filter(organisation__in=_traded(request)).select_related("organisation")
        organisations.unblock_organisation(block=get_object_or_404(blocks, pk=pk), by=request.user, now=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)


class ReportInput(serializers.Serializer):
    reason = serializers.ChoiceField(Report.Reason.choices)
    text = serializers.CharField(max_length=4000)
    listing = serializers.IntegerField(required=False, help_text="One of the organisation's listings.")


class ReportAnswer(serializers.ModelSerializer):
    class Meta:
        model = Report
        fields = ("id", "organisation", "listing", "reason", "text", "created_at", "answered_at", "answer")
        read_only_fields = fields


class ReportCreate(CreatingView):
    @extend_schema(request=ReportInput, responses={HTTPStatus.CREATED: ReportAnswer})
    def create(self, request, pk):
        """Tell the platform operator that an organisation is not what it says."""
        organisation = get_object_or_404(Organisation.objects.visible_to(request.user), pk=pk)
        serializer = ReportInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = dict(serializer.validated_data)
        if number := said.pop("listing", None):
            visible = Listing.objects.visible_to(request.user, timezone.now())
            said["listing"] = get_object_or_404(visible, pk=number)
        report = organisations.report_organisation(
            organisation=organisation, by=request.user, now=timezone.now(), **said
        )
        return Response(ReportAnswer(report).data, status=HTTPStatus.CREATED)


urlpatterns = [
    path("organisations/", OrganisationList.as_view(), name="api_organisation_list"),
    path("organisations/<int:pk>/", OrganisationDetail.as_view(), name="api_organisation_detail"),
    path("organisations/<int:pk>/review/", OrganisationReview.as_view(), name="api_organisation_review"),
    path("organisations/<int:pk>/blocks/", BlockList.as_view(), name="api_block_list"),
    path("organisations/<int:pk>/reports/", ReportCreate.as_view(), name="api_report_create"),
    path("blocks/<int:pk>/", BlockDetail.as_view(), name="api_block_detail"),
    path("contests/", UsccContestCreate.as_view(), name="api_contest_create"),
]
