from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.listing_serializers import (
    DraftSerializer,
    ListingChange,
    ListingCreate,
    ListingInput,
    ListingSerializer,
)
from marketplace.api.pages import Pages
from marketplace.filters import ListingFilter
from marketplace.models import Listing
from marketplace.services import listings

SENTENCE = "304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"
LONGEST_KEY = 100
ATTRIBUTE_FILTERS = OpenApiParameter(
    "attr_DN",
    str,
    description="An attribute of the category's schema, here DN; attr_DN_min and attr_DN_max give a range.",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Names this request: sent again, it posts nothing twice and answers 200 with the same listing.",
)


def shown(listing: Listing, request) -> dict:
    return ListingSerializer(listing, context={"request": request}).data


@extend_schema_view(get=extend_schema(parameters=[ATTRIBUTE_FILTERS]))
class ListingList(generics.ListAPIView):
    """The open listings that the reader may see, and all of the reader's own organisations."""

    queryset = Listing.objects.none()
    serializer_class = ListingSerializer
    filterset_class = ListingFilter
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        visible = Listing.objects.visible_to(self.request.user, timezone.now())
        return visible.with_details().select_related("created_by").order_by("-pk")

    @extend_schema(
        operation_id="listings_create",
        parameters=[IDEMPOTENCY_KEY],
        request=ListingCreate,
        responses={HTTPStatus.CREATED: ListingSerializer, HTTPStatus.OK: ListingSerializer},
        examples=[
            OpenApiExample("A sentence is enough", value={"side": "demand", "text": SENTENCE}, request_only=True),
            OpenApiExample(
                "Everything said",
                value={
                    "organisation": "91331021MA2DYC1L2T",
                    "external_id": "BV-50",
                    "side": "supply",
                    "category": "valve.ball",
                    "text": "304 不锈钢法兰球阀",
                    "attributes": {"DN": {"value": 2, "unit": "in"}, "PN": 16, "material": "SUS304"},
                    "quantity": 2000,
                    "unit": "piece",
                    "minimum_order": 50,
                    "price_min": 98,
                    "price_max": 125,
                    "currency": "CNY",
                    "region": "玉环市",
                    "lead_days": 15,
                    "certificates": [{"code": "iso9001", "issuer": "SGS", "expires_on": "2028-05-31"}],
                },
                request_only=True,
            ),
        ],
    )
    def post(self, request):
        """Post a listing; what its fields do not say is read out of its text and echoed in ``readings``."""
        serializer = ListingCreate(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        key = request.headers.get("Idempotency-Key", "").strip() or None
        if key and len(key) > LONGEST_KEY:
            message = _("At most %(count)d characters.") % {"count": LONGEST_KEY}
            raise serializers.ValidationError({"Idempotency-Key": [message]})
        try:
            listing = listings.post_listing(
                by=request.user, now=timezone.now(), idempotency_key=key, **serializer.validated_data
            )
        except listings.ListingAlreadyPosted as repeat:
            return Response(shown(repeat.listing, request))
        return Response(shown(listing, request), status=HTTPStatus.CREATED)


class ListingParse(APIView):
    """Read a sentence without keeping anything: what would be posted, and how it was understood."""

    @extend_schema(
        request=ListingInput,
        responses=DraftSerializer,
        examples=[OpenApiExample("A sentence", value={"text": SENTENCE}, request_only=True)],
    )
    def post(self, request):
        serializer = ListingInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        draft = listings.draft_from_text(now=timezone.now(), **{"text": "", **serializer.validated_data["fields"]})
        values = {name: _plain(value) for name, value in draft.values.items()}
        if draft.certificates:
            values["certificates"] = draft.certificates
        return Response({"values": values, "readings": draft.readings, "errors": listings.problem_messages(draft)})


class ListingDetail(APIView):
    """One listing."""

    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @extend_schema(responses=ListingSerializer)
    def get(self, request, pk):
        visible = Listing.objects.visible_to(request.user, timezone.now()).with_details()
        return Response(shown(get_object_or_404(visible, pk=pk), request))

    @extend_schema(
        request=ListingChange,
        responses=ListingSerializer,
        examples=[OpenApiExample("Less is left", value={"quantity": 350, "revision": 1}, request_only=True)],
    )
    def patch(self, request, pk):
        """Change what is given, empty what is null; 409 if it is no longer at ``revision``."""
        listing = get_object_or_404(Listing.objects.editable_by(request.user), pk=pk)
        serializer = ListingChange(data=request.data)
        serializer.is_valid(raise_exception=True)
        listings.edit_listing(listing=listing, by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(shown(Listing.objects.with_details().get(pk=pk), request))


class StatusChange(APIView):
    """Move one of the reader's listings to another status; 409 where its present one does not allow it."""

    def change(self, request, pk, service, **said):
        listing = get_object_or_404(Listing.objects.editable_by(request.user).with_names(), pk=pk)
        changed = service(listing=listing, by=request.user, now=timezone.now(), **said)
        return Response(shown(changed, request))


class ListingPublish(StatusChange):
    @extend_schema(request=None, responses=ListingSerializer)
    def post(self, request, pk):
        """Open a draft."""
        return self.change(request, pk, listings.publish_listing)


class ListingPause(StatusChange):
    @extend_schema(request=None, responses=ListingSerializer)
    def post(self, request, pk):
        """Take an open listing off the market for a while."""
        return self.change(request, pk, listings.pause_listing)


class ListingResume(StatusChange):
    @extend_schema(request=None, responses=ListingSerializer)
    def post(self, request, pk):
        """Put a paused listing back on the market."""
        return self.change(request, pk, listings.resume_listing)


class ListingClose(StatusChange):
    @extend_schema(request=None, responses=ListingSerializer)
    def post(self, request, pk):
        """Take a listing off the market for good."""
        return self.change(request, pk, listings.close_listing)


class Renewal(serializers.Serializer):
    expires_at = serializers.DateTimeField(required=False, help_text="Missing: 90 days from now.")


class ListingRenew(StatusChange):
    @extend_schema(request=Renewal, responses=ListingSerializer)
    def post(self, request, pk):
        """Let an open, paused or expired listing run on."""
        serializer = Renewal(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self.change(request, pk, listings.renew_listing, until=serializer.validated_data.get("expires_at"))


def _plain(value):
    """Return a draft's value as JSON has it: numbers kept with decimal places as numbers."""
    if hasattr(value, "to_integral"):
        return int(value) if value == value.to_integral() else float(value)
    return value


urlpatterns = [
    path("listings/", ListingList.as_view(), name="api_listing_list"),
    path("listings/parse/", ListingParse.as_view(), name="api_listing_parse"),
    path("listings/<int:pk>/", ListingDetail.as_view(), name="api_listing_detail"),
    path("listings/<int:pk>/publish/", ListingPublish.as_view(), name="api_listing_publish"),
    path("listings/<int:pk>/pause/", ListingPause.as_view(), name="api_listing_pause"),
    path("listings/<int:pk>/resume/", ListingResume.as_view(), name="api_listing_resume"),
    path("listings/<int:pk>/close/", ListingClose.as_view(), name="api_listing_close"),
    path("listings/<int:pk>/renew/", ListingRenew.as_view(), name="api_listing_renew"),
]
