from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.exhibition_serializers import (
    ActingOrganisation,
    LeadCreate,
    LeadInput,
    LeadNegotiation,
    LeadSerializer,
    MeetingCreate,
    MeetingSerializer,
)
from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Exhibition, Lead, Meeting
from marketplace.services import exhibition_pages, leads, meetings


class MeetingList(CreatingView, generics.ListAPIView):
    """The reader's meetings at an exhibition, by time."""

    queryset = Meeting.objects.none()
    serializer_class = MeetingSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        exhibition = get_object_or_404(Exhibition.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        found = Meeting.objects.visible_to(self.request.user).with_names()
        return found.filter(exhibition=exhibition).order_by("slot", "pk")

    @extend_schema(request=MeetingCreate, responses={HTTPStatus.CREATED: MeetingSerializer})
    def create(self, request, pk):
        """Ask an exhibitor or a visitor for a meeting; 409 meeting_time_taken if one of the two has another then."""
        exhibition = get_object_or_404(Exhibition.objects.visible_to(request.user).with_details(), pk=pk)
        said = dict(checked(MeetingCreate, request))
        sides = exhibition_pages.sides_of(exhibition, said["organisation"], said.pop("counterpart"))
        meeting = meetings.request_meeting(exhibition=exhibition, by=request.user, now=timezone.now(), **sides, **said)
        return Response(MeetingSerializer(meeting).data, status=HTTPStatus.CREATED)


class MeetingAct(APIView):
    """What is done to a meeting; 409 where its present status does not allow it."""

    def act(self, request, pk, service, **said):
        meeting = get_object_or_404(Meeting.objects.editable_by(request.user).with_names(), pk=pk)
        changed = service(meeting=meeting, by=request.user, now=timezone.now(), **said)
        return Response(MeetingSerializer(changed).data)


class MeetingConfirm(MeetingAct):
    @extend_schema(request=None, responses=MeetingSerializer)
    def post(self, request, pk):
        """Agree to a meeting that the other side asked for."""
        return self.act(request, pk, meetings.confirm_meeting)


class MeetingDecline(MeetingAct):
    @extend_schema(request=None, responses=MeetingSerializer)
    def post(self, request, pk):
        """Say no; the time is free again."""
        return self.act(request, pk, meetings.decline_meeting)


class MeetingCancel(MeetingAct):
    @extend_schema(request=ActingOrganisation, responses=MeetingSerializer)
    def post(self, request, pk):
        """Cancel a meeting in the name of one of the two."""
        organisation = checked(ActingOrganisation, request)["organisation"]
        return self.act(request, pk, meetings.cancel_meeting, organisation=organisation)


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("status", str, description="Only those of this status.")])
)
class LeadList(CreatingView, generics.ListAPIView):
    """The leads of the reader's firms."""

    queryset = Lead.objects.none()
    serializer_class = LeadSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found, asked = Lead.objects.of(self.request.user), self.request.query_params
        if asked.get("status") in Lead.Status.values:
            found = found.filter(status=asked["status"])
        return found.order_by("-updated_at", "-pk")

    @extend_schema(request=LeadCreate, responses={HTTPStatus.CREATED: LeadSerializer})
    def create(self, request):
        """Note a firm that a supply should be offered to."""
        said = dict(checked(LeadCreate, request))
        about = {name: said.pop(name, None) for name in ("organisation", "exhibition", "firm", "supply")}
        lead = leads.record_lead(by=request.user, fields=said, now=timezone.now(), **about)
        return Response(LeadSerializer(lead).data, status=HTTPStatus.CREATED)


class LeadDetail(APIView):
    @extend_schema(responses=LeadSerializer)
    def get(self, request, pk):
        """Show a lead."""
        return Response(LeadSerializer(get_object_or_404(Lead.objects.of(request.user), pk=pk)).data)

    @extend_schema(request=LeadInput, responses=LeadSerializer)
    def put(self, request, pk):
        """Write down what became of it; what is not given stays."""
        lead = get_object_or_404(Lead.objects.editable_by(request.user).with_names(), pk=pk)
        said = dict(checked(LeadInput, request))
        supply, is_done = said.pop("supply", None), said.pop("is_done")
        changed = leads.update_lead(
            lead=lead, by=request.user, fields=said, supply=supply, is_done=is_done, now=timezone.now()
        )
        return Response(LeadSerializer(changed).data)


class LeadNegotiate(CreatingView):
    @extend_schema(request=None, responses={HTTPStatus.CREATED: LeadNegotiation})
    def create(self, request, pk):
        """Open a negotiation about the lead's supply with its firm."""
        lead = get_object_or_404(Lead.objects.editable_by(request.user).with_names(), pk=pk)
        negotiation = leads.negotiate_with_lead(lead=lead, by=request.user, now=timezone.now())
        return Response({"negotiation": negotiation.pk}, status=HTTPStatus.CREATED)


urlpatterns = [
    path("exhibitions/<int:pk>/meetings/", MeetingList.as_view(), name="api_meeting_list"),
    path("meetings/<int:pk>/confirm/", MeetingConfirm.as_view(), name="api_meeting_confirm"),
    path("meetings/<int:pk>/decline/", MeetingDecline.as_view(), name="api_meeting_decline"),
    path("meetings/<int:pk>/cancel/", MeetingCancel.as_view(), name="api_meeting_cancel"),
    path("leads/", LeadList.as_view(), name="api_lead_list"),
    path("leads/<int:pk>/", LeadDetail.as_view(), name="api_lead_detail"),
    path("leads/<int:pk>/negotiate/", LeadNegotiate.as_view(), name="api_lead_negotiate"),
]
