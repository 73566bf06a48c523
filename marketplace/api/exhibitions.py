from http import HTTPStatus

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, permissions
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.exhibition_serializers import (
    ActingOrganisation,
    BoothBookingCreate,
    BoothBookingSerializer,
    BoothSerializer,
    BoothsInput,
    ExhibitionCreate,
    ExhibitionInput,
    ExhibitionSerializer,
    ShownInput,
    VisitAnswer,
    VisitSerializer,
)
from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.api.pool_serializers import WhyInput
from marketplace.models import Booth, BoothBooking, Exhibition, Membership, Organisation, Park, Visit
from marketplace.services import booths, exhibition_pages, exhibitions, visits


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("status", str, description="Only those of this status.")])
)
class ExhibitionList(CreatingView, generics.ListAPIView):
    """The exhibitions that the reader may see."""

    queryset = Exhibition.objects.none()
    serializer_class = ExhibitionSerializer
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found, asked = Exhibition.objects.visible_to(self.request.user).with_details(), self.request.query_params
        if asked.get("status") in Exhibition.Status.values:
            found = found.filter(status=asked["status"])
        return found.order_by("-starts_at", "-pk")

    @extend_schema(request=ExhibitionCreate, responses={HTTPStatus.CREATED: ExhibitionSerializer})
    def create(self, request):
        """Plan an exhibition and book its hall for each of its days; for the park's managers."""
        said = dict(checked(ExhibitionCreate, request))
        park, hall = said.pop("park"), said.pop("hall")
        exhibition = exhibitions.plan_exhibition(park=park, hall=hall, by=request.user, fields=said, now=timezone.now())
        return Response(ExhibitionSerializer(exhibition).data, status=HTTPStatus.CREATED)


class ExhibitionDetail(APIView):
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @extend_schema(responses=ExhibitionSerializer)
    def get(self, request, pk):
        """Show an exhibition."""
        visible = Exhibition.objects.visible_to(request.user).with_details()
        return Response(ExhibitionSerializer(get_object_or_404(visible, pk=pk)).data)

    @extend_schema(request=ExhibitionInput, responses=ExhibitionSerializer)
    def put(self, request, pk):
        """Say anew what it is; its days and hours only until it is announced."""
        exhibition = get_object_or_404(Exhibition.objects.managed_by(request.user).with_details(), pk=pk)
        said = dict(checked(ExhibitionInput, request))
        changed = exhibitions.edit_exhibition(exhibition=exhibition, by=request.user, fields=said, now=timezone.now())
        return Response(ExhibitionSerializer(changed).data)


class ExhibitionAnnounce(APIView):
    @extend_schema(request=None, responses=ExhibitionSerializer)
    def post(self, request, pk):
        """Show it to everybody: booths can be booked, and the matcher invites visitors."""
        exhibition = get_object_or_404(Exhibition.objects.managed_by(request.user).select_related("park"), pk=pk)
        shown = exhibitions.announce_exhibition(exhibition=exhibition, by=request.user, now=timezone.now())
        return Response(ExhibitionSerializer(shown).data)


class ExhibitionCancel(APIView):
    @extend_schema(request=WhyInput, responses=ExhibitionSerializer)
    def post(self, request, pk):
        """Cancel it, with a reason that exhibitors and visitors read."""
        exhibition = get_object_or_404(Exhibition.objects.managed_by(request.user).select_related("park"), pk=pk)
        reason = checked(WhyInput, request)["reason"]
        cancelled = exhibitions.cancel_exhibition(
            exhibition=exhibition, by=request.user, reason=reason, now=timezone.now()
        )
        return Response(ExhibitionSerializer(cancelled).data)


class BoothList(CreatingView):
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @extend_schema(operation_id="exhibitions_booths_list", responses=BoothSerializer(many=True))
    def get(self, request, pk):
        """List the booths with their exhibitors and what they show."""
        exhibition = get_object_or_404(Exhibition.objects.visible_to(request.user), pk=pk)
        found = exhibition.booths.order_by("pk").with_bookings()
        return Response(BoothSerializer(found, many=True).data)

    @extend_schema(request=BoothsInput, responses={HTTPStatus.CREATED: BoothSerializer(many=True)})
    def create(self, request, pk):
        """Add booths; for the park's managers."""
        exhibition = get_object_or_404(Exhibition.objects.managed_by(request.user).select_related("park"), pk=pk)
        rows = checked(BoothsInput, request)["booths"]
        added = exhibitions.add_booths(exhibition=exhibition, by=request.user, rows=rows)
        return Response(BoothSerializer(added, many=True).data, status=HTTPStatus.CREATED)


class BoothDetail(APIView):
    @extend_schema(request=None, responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        """Take away a booth that nobody ever booked; for the park's managers."""
        managed = Booth.objects.filter(exhibition__in=Exhibition.objects.managed_by(request.user))
        booth = get_object_or_404(managed.select_related("exhibition__park"), pk=pk)
        exhibitions.remove_booth(booth=booth, by=request.user)
        return Response(status=HTTPStatus.NO_CONTENT)


class BoothBook(CreatingView):
    @extend_schema(request=BoothBookingCreate, responses={HTTPStatus.CREATED: BoothBookingSerializer})
    def create(self, request, pk):
        """Book a booth and choose what it shows; 409 booth_taken if another was first."""
        seen = Booth.objects.filter(exhibition__in=Exhibition.objects.visible_to(request.user))
        named = seen.select_related("exhibition__park__organisation", "exhibition__hall")
        booth = get_object_or_404(named, pk=pk)
        said = checked(BoothBookingCreate, request)
        booking = booths.book_booth(booth=booth, by=request.user, now=timezone.now(), **said)
        return Response(BoothBookingSerializer(booking).data, status=HTTPStatus.CREATED)


class BoothBookingDetail(APIView):
    @extend_schema(request=ShownInput, responses=BoothBookingSerializer)
    def put(self, request, pk):
        """Choose anew what a booth shows."""
        mine = BoothBooking.objects.editable_by(request.user)
        booking = get_object_or_404(mine.select_related("booth__exhibition", "organisation"), pk=pk)
        listings = checked(ShownInput, request)["listings"]
        changed = booths.show_listings(booking=booking, listings=listings, by=request.user, now=timezone.now())
        return Response(BoothBookingSerializer(changed).data)


class BoothBookingCancel(APIView):
    @extend_schema(request=None, responses=BoothBookingSerializer)
    def post(self, request, pk):
        """Give a booth back; late, the hall's fee for cancellations stays owed. The park's managers may, too."""
        theirs = Q(organisation__in=Organisation.objects.of(request.user, *Membership.TRADING_ROLES))
        ours = Q(booth__exhibition__park__in=Park.objects.managed_by(request.user))
        named = BoothBooking.objects.select_related(
            "booth__exhibition__park__organisation", "booth__exhibition__hall", "organisation"
        )
        booking = get_object_or_404(named.filter(theirs | ours), pk=pk)
        cancelled = booths.cancel_booth(booking=booking, by=request.user, now=timezone.now())
        return Response(BoothBookingSerializer(cancelled).data)


class VisitList(CreatingView):
    @extend_schema(operation_id="exhibitions_visits_list", responses=VisitSerializer(many=True))
    def get(self, request, pk):
        """List one's own visits; for exhibitors and the park also who else comes."""
        exhibition = get_object_or_404(Exhibition.objects.visible_to(request.user).with_details(), pk=pk)
        page = exhibition_pages.read_page(exhibition=exhibition, user=request.user, now=timezone.now())
        rows = {one.pk: one for one in (*page.our_visits, *page.visitors)}
        return Response(VisitSerializer(rows.values(), many=True, context={"request": request}).data)

    @extend_schema(request=ActingOrganisation, responses={HTTPStatus.CREATED: VisitSerializer})
    def create(self, request, pk):
        """Say that a firm comes, invited or not."""
        exhibition = get_object_or_404(Exhibition.objects.visible_to(request.user).with_details(), pk=pk)
        organisation = checked(ActingOrganisation, request)["organisation"]
        visit = visits.register_visit(
            exhibition=exhibition, organisation=organisation, by=request.user, now=timezone.now()
        )
        return Response(VisitSerializer(visit, context={"request": request}).data, status=HTTPStatus.CREATED)


class VisitDetail(APIView):
    @extend_schema(request=VisitAnswer, responses=VisitSerializer)
    def put(self, request, pk):
        """Accept or decline an invitation; the answer may be changed until the exhibition is over."""
        named = Visit.objects.editable_by(request.user).select_related(
            "exhibition__park__organisation", "organisation", "supply__organisation"
        )
        visit = get_object_or_404(named, pk=pk)
        comes = checked(VisitAnswer, request)["comes"]
        answered = visits.answer_visit(visit=visit, comes=comes, by=request.user, now=timezone.now())
        return Response(VisitSerializer(answered, context={"request": request}).data)


urlpatterns = [
    path("exhibitions/", ExhibitionList.as_view(), name="api_exhibition_list"),
    path("exhibitions/<int:pk>/", ExhibitionDetail.as_view(), name="api_exhibition_detail"),
    path("exhibitions/<int:pk>/announce/", ExhibitionAnnounce.as_view(), name="api_exhibition_announce"),
    path("exhibitions/<int:pk>/cancel/", ExhibitionCancel.as_view(), name="api_exhibition_cancel"),
    path("exhibitions/<int:pk>/booths/", BoothList.as_view(), name="api_booth_list"),
    path("exhibitions/<int:pk>/visits/", VisitList.as_view(), name="api_visit_list"),
    path("booths/<int:pk>/", BoothDetail.as_view(), name="api_booth_detail"),
    path("booths/<int:pk>/book/", BoothBook.as_view(), name="api_booth_book"),
    path("booth-bookings/<int:pk>/", BoothBookingDetail.as_view(), name="api_booth_booking_detail"),
    path("booth-bookings/<int:pk>/cancel/", BoothBookingCancel.as_view(), name="api_booth_booking_cancel"),
    path("visits/<int:pk>/", VisitDetail.as_view(), name="api_visit_detail"),
]
