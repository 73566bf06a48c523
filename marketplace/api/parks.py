from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import generics, permissions
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.api.park_serializers import (
    ClosureInput,
    ClosureSerializer,
    FacilityChange,
    FacilityCreate,
    FacilityDetailSerializer,
    FacilitySerializer,
    FreeQuery,
    FreeWindowSerializer,
    HoursSerializer,
    ParkChange,
    ParkCreate,
    ParkSerializer,
    PriceInput,
    PriceSerializer,
)
from marketplace.models import Facility, FacilityClosure, Park, PriceItem
from marketplace.services import availability, facilities, parks

FREE_EXAMPLE = {"start": "2026-03-03T00:00:00+08:00", "end": "2026-03-10T00:00:00+08:00", "minutes": 60}


def detail_of(pk: int) -> dict:
    rows = Facility.objects.prefetch_related("hours", "closures", "prices")
    return FacilityDetailSerializer(rows.get(pk=pk)).data


def managed(request, pk) -> Facility:
    return get_object_or_404(Facility.objects.managed_by(request.user).with_park(), pk=pk)


class ParkList(CreatingView, generics.ListAPIView):
    """The parks in service, and those where the reader works."""

    queryset = Park.objects.none()
    serializer_class = ParkSerializer
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Park.objects.visible_to(self.request.user).with_names().order_by("code")

    @extend_schema(request=ParkCreate, responses={HTTPStatus.CREATED: ParkSerializer})
    def create(self, request):
        """Open a park of one of the reader's park operators."""
        serializer = ParkCreate(data=request.data)
        serializer.is_valid(raise_exception=True)
        park = parks.create_park(by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(ParkSerializer(park).data, status=HTTPStatus.CREATED)


class ParkDetail(APIView):
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @extend_schema(responses=ParkSerializer)
    def get(self, request, pk):
        """Show a park."""
        return Response(
            ParkSerializer(get_object_or_404(Park.objects.visible_to(request.user).with_names(), pk=pk)).data
        )

    @extend_schema(request=ParkChange, responses=ParkSerializer)
    def patch(self, request, pk):
        """Change what the operator says of a park."""
        park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=pk)
        serializer = ParkChange(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return Response(ParkSerializer(parks.edit_park(park=park, by=request.user, **serializer.validated_data)).data)


class FacilityList(CreatingView, generics.ListAPIView):
    """The facilities of a park."""

    queryset = Facility.objects.none()
    serializer_class = FacilitySerializer
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        park = get_object_or_404(Park.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        return Facility.objects.visible_to(self.request.user).filter(park=park).order_by("kind", "code")

    @extend_schema(request=FacilityCreate, responses={HTTPStatus.CREATED: FacilityDetailSerializer})
    def create(self, request, pk):
        """Add a facility to a park that the reader manages."""
        park = get_object_or_404(Park.objects.managed_by(request.user).with_names(), pk=pk)
        serializer = FacilityCreate(data=request.data)
        serializer.is_valid(raise_exception=True)
        facility = facilities.create_facility(
            park=park, by=request.user, now=timezone.now(), **_plain(serializer.validated_data)
        )
        return Response(detail_of(facility.pk), status=HTTPStatus.CREATED)


def _plain(said: dict) -> dict:
    """Return what was said with plain dictionaries for the services, as the row keeps them."""
    if "services" not in said:
        return said
    return {**said, "services": [dict(one) for one in said["services"]]}


class FacilityDetail(APIView):
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @extend_schema(responses=FacilityDetailSerializer)
    def get(self, request, pk):
        """Show a facility with its hours, closures and prices."""
        get_object_or_404(Facility.objects.visible_to(request.user), pk=pk)
        return Response(detail_of(pk))

    @extend_schema(request=FacilityChange, responses=FacilityDetailSerializer)
    def patch(self, request, pk):
        """Change what a facility is and asks."""
        facility = managed(request, pk)
        serializer = FacilityChange(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        facilities.edit_facility(
            facility=facility, by=request.user, now=timezone.now(), **_plain(serializer.validated_data)
        )
        return Response(detail_of(pk))


class FacilityFree(APIView):
    """When and where it is free."""

    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @extend_schema(
        parameters=[FreeQuery],
        responses=FreeWindowSerializer(many=True),
        examples=[OpenApiExample("An hour at a dock", value=FREE_EXAMPLE, parameter_only=("start", "query"))],
    )
    def get(self, request):
        """Find the earliest free times of every facility that fits, sorted by time, then by distance."""
        query = FreeQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        search = availability.FreeSearch(**query.validated_data)
        windows = availability.search_free(search, user=request.user, now=timezone.now())
        return Response(FreeWindowSerializer(windows, many=True).data)


class FacilityHoursChange(APIView):
    @extend_schema(
        operation_id="facilities_hours_replace", request=HoursSerializer(many=True), responses=FacilityDetailSerializer
    )
    def put(self, request, pk):
        """Replace the weekly opening hours."""
        facility = managed(request, pk)
        serializer = HoursSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        hours = [(one["weekday"], one["opens"], one["closes"]) for one in serializer.validated_data]
        facilities.set_hours(facility=facility, hours=hours, by=request.user, now=timezone.now())
        return Response(detail_of(pk))


class ClosureCreate(CreatingView):
    @extend_schema(request=ClosureInput, responses={HTTPStatus.CREATED: ClosureSerializer})
    def create(self, request, pk):
        """Close a facility for a time; 409 if there are bookings."""
        facility = managed(request, pk)
        serializer = ClosureInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        closure = facilities.close_facility(
            facility=facility, by=request.user, now=timezone.now(), **serializer.validated_data
        )
        return Response(ClosureSerializer(closure).data, status=HTTPStatus.CREATED)


class ClosureDetail(APIView):
    @extend_schema(responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        """Take a closure back."""
        mine = FacilityClosure.objects.filter(facility__in=Facility.objects.managed_by(request.user))
        closure = get_object_or_404(mine, pk=pk)
        facilities.reopen_facility(closure=closure, by=request.user, now=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)


class PriceCreate(CreatingView):
    @extend_schema(request=PriceInput, responses={HTTPStatus.CREATED: PriceSerializer})
    def create(self, request, pk):
        """Set a price from a day on; the price before runs until then."""
        facility = managed(request, pk)
        serializer = PriceInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        item = facilities.set_price(facility=facility, by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(PriceSerializer(item).data, status=HTTPStatus.CREATED)


class PriceDetail(APIView):
    @extend_schema(responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        """Let a price run out today."""
        mine = PriceItem.objects.filter(facility__in=Facility.objects.managed_by(request.user))
        item = get_object_or_404(mine.select_related("facility__park__organisation"), pk=pk)
        facilities.end_price(item=item, by=request.user, now=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)


urlpatterns = [
    path("parks/", ParkList.as_view(), name="api_park_list"),
    path("parks/<int:pk>/", ParkDetail.as_view(), name="api_park_detail"),
    path("parks/<int:pk>/facilities/", FacilityList.as_view(), name="api_facility_list"),
    path("facilities/free/", FacilityFree.as_view(), name="api_facility_free"),
    path("facilities/<int:pk>/", FacilityDetail.as_view(), name="api_facility_detail"),
    path("facilities/<int:pk>/hours/", FacilityHoursChange.as_view(), name="api_facility_hours"),
    path("facilities/<int:pk>/closures/", ClosureCreate.as_view(), name="api_closure_create"),
    path("facilities/<int:pk>/prices/", PriceCreate.as_view(), name="api_price_create"),
    path("closures/<int:pk>/", ClosureDetail.as_view(), name="api_closure_detail"),
    path("prices/<int:pk>/", PriceDetail.as_view(), name="api_price_detail"),
]
