from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.api.park_serializers import (
    BookingCreate,
    BookingMove,
    BookingNote,
    BookingSerializer,
    HandOverCreate,
    HandOverSerializer,
    WaitingCreate,
    WaitingSerializer,
)
from marketplace.models import Booking, HandOver, WaitingEntry
from marketplace.services import booking_desk, bookings, hand_overs, waiting

NAMES = ("facility__park__organisation", "organisation")


def shown(booking: Booking) -> dict:
    return BookingSerializer(booking).data


@extend_schema_view(
    get=extend_schema(
        parameters=[
            OpenApiParameter("status", str, description="Only bookings of this status."),
            OpenApiParameter("facility", int, description="Only bookings of this facility."),
        ]
    )
)
class BookingList(CreatingView, generics.ListAPIView):
    """The bookings of the reader's firms, and of the parks where the reader works."""

    queryset = Booking.objects.none()
    serializer_class = BookingSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = Booking.objects.visible_to(self.request.user).select_related(*NAMES)
        asked = self.request.query_params
        if asked.get("status") in Booking.Status.values:
            found = found.filter(status=asked["status"])
        if asked.get("facility", "").isdigit():
            found = found.filter(facility=int(asked["facility"]))
        return found.order_by("-booked_at", "-pk")

    @extend_schema(request=BookingCreate, responses={HTTPStatus.CREATED: BookingSerializer})
    def create(self, request):
        """Book a facility; 409 slot_taken or not_enough_capacity if others were first."""
        serializer = BookingCreate(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        booking = bookings.request_booking(by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(shown(booking), status=HTTPStatus.CREATED)


class BookingDetail(APIView):
    @extend_schema(responses=BookingSerializer)
    def get(self, request, pk):
        """Show a booking."""
        return Response(shown(get_object_or_404(Booking.objects.visible_to(request.user).with_names(), pk=pk)))


class BookingAct(APIView):
    """What is done to a booking; 409 where its present status does not allow it."""

    def act(self, request, rows, pk, service, **said):
        booking = get_object_or_404(rows.with_names(), pk=pk)
        changed = service(booking=booking, by=request.user, now=timezone.now(), **said)
        return Response(shown(changed))

    def either(self, request):
        """Return the bookings the reader may change, as the firm or as the park."""
        return Booking.objects.editable_by(request.user) | Booking.objects.managed_by(request.user)

    def note(self, request) -> str:
        serializer = BookingNote(data=request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data["note"]


class BookingReschedule(BookingAct):
    @extend_schema(request=BookingMove, responses=BookingSerializer)
    def post(self, request, pk):
        """Move a booking to another time, all or nothing."""
        serializer = BookingMove(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        return self.act(request, self.either(request), pk, bookings.reschedule_booking, **said)


class BookingCancel(BookingAct):
    @extend_schema(request=BookingNote, responses=BookingSerializer)
    def post(self, request, pk):
        """Give a booking back; late, it costs what the facility's rule says."""
        return self.act(request, self.either(request), pk, bookings.cancel_booking, note=self.note(request))


class BookingTake(BookingAct):
    @extend_schema(request=None, responses=BookingSerializer)
    def post(self, request, pk):
        """Take the slot that is held for the firm."""
        return self.act(request, Booking.objects.editable_by(request.user), pk, waiting.take_held_booking)


class BookingApprove(BookingAct):
    @extend_schema(request=BookingNote, responses=BookingSerializer)
    def post(self, request, pk):
        """Confirm what was requested; for the park's managers."""
        note = self.note(request)
        return self.act(request, Booking.objects.managed_by(request.user), pk, bookings.approve_booking, note=note)


class BookingRefuse(BookingAct):
    @extend_schema(request=BookingNote, responses=BookingSerializer)
    def post(self, request, pk):
        """Refuse what was requested, and say why; for the park's managers."""
        note = self.note(request)
        return self.act(request, Booking.objects.managed_by(request.user), pk, bookings.refuse_booking, note=note)


class BookingStart(BookingAct):
    @extend_schema(request=None, responses=BookingSerializer)
    def post(self, request, pk):
        """Say that the firm has come; for the park's staff."""
        return self.act(request, Booking.objects.run_by(request.user), pk, booking_desk.start_booking)


class BookingComplete(BookingAct):
    @extend_schema(request=None, responses=BookingSerializer)
    def post(self, request, pk):
        """Say that the firm is done; for the park's staff."""
        return self.act(request, Booking.objects.run_by(request.user), pk, booking_desk.complete_booking)


class BookingMiss(BookingAct):
    @extend_schema(request=None, responses=BookingSerializer)
    def post(self, request, pk):
        """Say that nobody came; for the park's staff."""
        return self.act(request, Booking.objects.run_by(request.user), pk, booking_desk.miss_booking)


class HandOverOffer(CreatingView):
    @extend_schema(request=HandOverCreate, responses={HTTPStatus.CREATED: HandOverSerializer})
    def create(self, request, pk):
        """Offer a booking to another firm."""
        booking = get_object_or_404(Booking.objects.editable_by(request.user).with_names(), pk=pk)
        serializer = HandOverCreate(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        to = serializer.validated_data["organisation"]
        hand_over = hand_overs.offer_booking(booking=booking, to=to, by=request.user, now=timezone.now())
        return Response(HandOverSerializer(hand_over).data, status=HTTPStatus.CREATED)


class HandOverList(generics.ListAPIView):
    """The bookings that other firms offer to the reader's."""

    queryset = HandOver.objects.none()
    serializer_class = HandOverSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return HandOver.objects.open(timezone.now()).offered_to(self.request.user).order_by("-pk")


class HandOverAct(APIView):
    def found(self, request, pk) -> HandOver:
        given = HandOver.objects.filter(booking__in=Booking.objects.editable_by(request.user))
        rows = (HandOver.objects.offered_to(request.user) | given).select_related("booking", "to_organisation")
        return get_object_or_404(rows.select_related("booking", "from_organisation", "to_organisation"), pk=pk)

    def ended(self, request, pk, service):
        hand_over = self.found(request, pk)
        service(hand_over=hand_over, by=request.user, now=timezone.now())
        hand_over.refresh_from_db()
        return Response(HandOverSerializer(hand_over).data)


class HandOverAccept(HandOverAct):
    @extend_schema(request=None, responses=BookingSerializer)
    def post(self, request, pk):
        """Take a booking over as it is."""
        hand_over = self.found(request, pk)
        booking = hand_overs.accept_hand_over(hand_over=hand_over, by=request.user, now=timezone.now())
        return Response(shown(booking))


class HandOverDecline(HandOverAct):
    @extend_schema(request=None, responses=HandOverSerializer)
    def post(self, request, pk):
        """Say no to a booking that was offered."""
        return self.ended(request, pk, hand_overs.decline_hand_over)


class HandOverWithdraw(HandOverAct):
    @extend_schema(request=None, responses=HandOverSerializer)
    def post(self, request, pk):
        """Keep the booking after all."""
        return self.ended(request, pk, hand_overs.withdraw_hand_over)


class WaitingList(CreatingView, generics.ListAPIView):
    """What the reader's firms wait for, and who waits in the parks where the reader works."""

    queryset = WaitingEntry.objects.none()
    serializer_class = WaitingSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return WaitingEntry.objects.visible_to(self.request.user).prefetch_related("offers").in_turn()

    @extend_schema(request=WaitingCreate, responses={HTTPStatus.CREATED: WaitingSerializer})
    def create(self, request):
        """Wait for so many minutes of a facility between start and end; what is free already is held at once."""
        serializer = WaitingCreate(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        entry = waiting.join_waiting_list(by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(WaitingSerializer(entry).data, status=HTTPStatus.CREATED)


class WaitingDetail(APIView):
    @extend_schema(responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        """Leave the waiting list; what was held passes to the next."""
        entry = get_object_or_404(WaitingEntry.objects.editable_by(request.user).select_related("organisation"), pk=pk)
        waiting.leave_waiting_list(entry=entry, by=request.user, now=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)


urlpatterns = [
    path("bookings/", BookingList.as_view(), name="api_booking_list"),
    path("bookings/<int:pk>/", BookingDetail.as_view(), name="api_booking_detail"),
    path("bookings/<int:pk>/move/", BookingReschedule.as_view(), name="api_booking_move"),
    path("bookings/<int:pk>/cancel/", BookingCancel.as_view(), name="api_booking_cancel"),
    path("bookings/<int:pk>/take/", BookingTake.as_view(), name="api_booking_take"),
    path("bookings/<int:pk>/approve/", BookingApprove.as_view(), name="api_booking_approve"),
    path("bookings/<int:pk>/refuse/", BookingRefuse.as_view(), name="api_booking_refuse"),
    path("bookings/<int:pk>/start/", BookingStart.as_view(), name="api_booking_start"),
    path("bookings/<int:pk>/complete/", BookingComplete.as_view(), name="api_booking_complete"),
    path("bookings/<int:pk>/miss/", BookingMiss.as_view(), name="api_booking_miss"),
    path("bookings/<int:pk>/offer/", HandOverOffer.as_view(), name="api_booking_offer"),
    path("hand-overs/", HandOverList.as_view(), name="api_hand_over_list"),
    path("hand-overs/<int:pk>/accept/", HandOverAccept.as_view(), name="api_hand_over_accept"),
    path("hand-overs/<int:pk>/decline/", HandOverDecline.as_view(), name="api_hand_over_decline"),
    path("hand-overs/<int:pk>/withdraw/", HandOverWithdraw.as_view(), name="api_hand_over_withdraw"),
    path("waiting/", WaitingList.as_view(), name="api_waiting_list"),
    path("waiting/<int:pk>/", WaitingDetail.as_view(), name="api_waiting_detail"),
]
