from http import HTTPStatus

import django_filters
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import checked, find_organisation
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.api.rfq_serializers import (
    DeadlineInput,
    QuestionAnswerInput,
    QuestionInput,
    ReasonInput,
    RfqBrief,
    RfqChange,
    RfqCreate,
    RfqInvitationSerializer,
    RfqQuestionSerializer,
    RfqSerializer,
    SuppliersInput,
)
from marketplace.models import (
    Attachment,
    Listing,
    Membership,
    Organisation,
    RequestForQuotation,
    RfqInvitation,
    RfqQuestion,
)
from marketplace.services import quote_openings, rfq_invitations, rfqs
from marketplace.services.rfq_invitations import Invitee


def acting(request, said, *roles) -> Organisation:
    """Return the user's organisation of this id or USCC."""
    organisation = find_organisation(Organisation.objects.of(request.user, *roles), said)
    if organisation is None:
        raise serializers.ValidationError({"organisation": [_("There is no organisation of this id or code.")]})
    return organisation


def attachable(request, organisation: Organisation, files) -> list[Attachment]:
    """Return these files if the organisation's own people uploaded them."""
    allowed = Attachment.objects.attachable_by(request.user, organisation)
    found = list(allowed.filter(pk__in=[file.pk for file in files]))
    if len(found) != len({file.pk for file in files}):
        raise serializers.ValidationError({"attachments": [_("Only files that your organisation uploaded.")]})
    return found


def shown(request, rfq: RequestForQuotation, status: int = HTTPStatus.OK) -> Response:
    row = RequestForQuotation.objects.with_details().get(pk=rfq.pk)
    return Response(RfqSerializer(row, context={"request": request}).data, status=status)


def own(request, pk) -> RequestForQuotation:
    """Return a request for which the user trades; anybody else gets a 404."""
    return get_object_or_404(RequestForQuotation.objects.editable_by(request.user).with_names(), pk=pk)


class RfqFilter(filters.FilterSet):
    side = django_filters.ChoiceFilter(
        method="filter_side", choices=[("buyer", "buyer"), ("supplier", "supplier")], label="who the user is in it"
    )

    class Meta:
        model = RequestForQuotation
        fields = ("status", "is_sealed")

    def filter_side(self, queryset, _name, value):
        user = self.request.user
        found = RequestForQuotation.objects
        return queryset.filter(pk__in=found.bought_by(user) if value == "buyer" else found.received_by(user))


class RfqList(CreatingView, generics.ListAPIView):
    """What the user's organisations ask for, and what they are asked to quote for."""

    queryset = RequestForQuotation.objects.none()
    serializer_class = RfqBrief
    filterset_class = RfqFilter
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return RequestForQuotation.objects.visible_to(self.request.user).with_names().order_by("-pk")

    @extend_schema(
        operation_id="rfqs_create",
        request=RfqCreate,
        responses={HTTPStatus.CREATED: RfqSerializer},
        examples=[
            OpenApiExample(
                "Two lines, one at two quantities, sealed",
                value={
                    "organisation": "91331021MA2DYC1L2T",
                    "title": "304 球阀一批",
                    "closes_at": "2026-03-20",
                    "is_sealed": True,
                    "window_start": "2026-04-01",
                    "window_end": "2026-04-30",
                    "region": "浙江 台州",
                    "lines": [
                        {"description": "球阀 DN50 PN16", "quantity": 500, "unit": "只", "tiers": [2000]},
                        {"description": "法兰垫片 DN50", "quantity": 1000, "unit": "片"},
                    ],
                    "suppliers": ["9133108300000000XX", "玉环阀门厂"],
                    "publish": True,
                },
                request_only=True,
            )
        ],
    )
    def create(self, request):
        """Ask for quotes: keep it as a draft, or send it to the suppliers at once."""
        said = checked(RfqCreate, request)
        buyer = acting(request, said.pop("organisation"), *Membership.TRADING_ROLES)
        rfq = rfqs.create_rfq(
            buyer=buyer,
            by=request.user,
            demand=_demand(request, said.pop("demand", None)),
            lines=said.pop("lines"),
            suppliers=[*said.pop("suppliers"), *_supplies(request, said.pop("supplies"))],
            attachments=attachable(request, buyer, said.pop("attachments", [])),
            publish=said.pop("publish"),
            fields=said,
            now=timezone.now(),
        )
        return shown(request, rfq, HTTPStatus.CREATED)


def _demand(request, pk) -> Listing | None:
    if pk is None:
        return None
    demand = Listing.objects.editable_by(request.user).filter(pk=pk).first()
    if demand is None:
        raise serializers.ValidationError({"demand": [_("This is no demand of yours.")]})
    return demand


def _supplies(request, pks) -> list[Invitee]:
    """Return the firms behind these supplies, each with the supply it is asked for."""
    visible = Listing.objects.visible_to(request.user, timezone.now()).filter(side=Listing.Side.SUPPLY, pk__in=pks)
    found = list(visible.select_related("organisation"))
    if len(found) != len(set(pks)):
        raise serializers.ValidationError({"supplies": [_("There is no such supply.")]})
    return [Invitee(supply.organisation, supply) for supply in found]


class RfqDetail(APIView):
    @extend_schema(responses=RfqSerializer)
    def get(self, request, pk):
        """Show a request: to its buyer with all who are invited, to a supplier with its own invitation."""
        rfq = get_object_or_404(RequestForQuotation.objects.visible_to(request.user), pk=pk)
        rfq_invitations.mark_viewed(rfq=rfq, by=request.user, now=timezone.now())
        return shown(request, rfq)

    @extend_schema(request=RfqChange, responses=RfqSerializer)
    def patch(self, request, pk):
        """Change a draft, or amend what is open: the suppliers are told, and confirm or revise their quotes."""
        rfq = own(request, pk)
        said = checked(RfqChange, request)
        rfq = rfqs.amend_rfq(
            rfq=rfq,
            by=request.user,
            lines=said.pop("lines", None),
            attachments=attachable(request, rfq.buyer, said.pop("attachments", [])),
            note=said.pop("change_note"),
            revision=said.pop("revision", None),
            fields=said,
            now=timezone.now(),
        )
        return shown(request, rfq)


class RfqPublish(APIView):
    @extend_schema(request=None, responses=RfqSerializer)
    def post(self, request, pk):
        """Send a draft to its suppliers."""
        return shown(request, rfqs.publish_rfq(rfq=own(request, pk), by=request.user, now=timezone.now()))


class RfqSuppliers(APIView):
    @extend_schema(request=SuppliersInput, responses=RfqSerializer)
    def post(self, request, pk):
        """Ask further suppliers; who is asked already stays asked."""
        rfq, said = own(request, pk), checked(SuppliersInput, request)
        return shown(request, rfqs.invite_suppliers(rfq=rfq, by=request.user, now=timezone.now(), **said))


class RfqExtend(APIView):
    @extend_schema(request=DeadlineInput, responses=RfqSerializer)
    def post(self, request, pk):
        """Give the suppliers more time."""
        rfq, said = own(request, pk), checked(DeadlineInput, request)
        return shown(request, rfqs.extend_rfq(rfq=rfq, by=request.user, now=timezone.now(), **said))


class RfqClose(APIView):
    @extend_schema(request=None, responses=RfqSerializer)
    def post(self, request, pk):
        """Take no more quotes, before the deadline."""
        return shown(request, rfqs.close_rfq(rfq=own(request, pk), by=request.user, now=timezone.now()))


class RfqCancel(APIView):
    @extend_schema(request=ReasonInput, responses=RfqSerializer)
    def post(self, request, pk):
        """Call a request off; the suppliers are told why."""
        rfq, said = own(request, pk), checked(ReasonInput, request)
        return shown(request, rfqs.cancel_rfq(rfq=rfq, by=request.user, now=timezone.now(), **said))


class RfqCopy(CreatingView):
    @extend_schema(request=None, responses={HTTPStatus.CREATED: RfqSerializer})
    def create(self, request, pk):
        """Issue a request again: a draft with the same lines and suppliers."""
        copy = rfqs.copy_rfq(rfq=own(request, pk), by=request.user, now=timezone.now())
        return shown(request, copy, HTTPStatus.CREATED)


class RfqOpen(APIView):
    @extend_schema(request=None, responses=RfqSerializer)
    def post(self, request, pk):
        """Open the sealed quotes after the deadline; where two do it together, the second one's word opens them."""
        rfq = get_object_or_404(RequestForQuotation.objects.openable_by(request.user), pk=pk)
        return shown(request, quote_openings.open_quotes(rfq=rfq, by=request.user, now=timezone.now()))


class RfqQuestions(CreatingView):
    @extend_schema(request=QuestionInput, responses={HTTPStatus.CREATED: RfqQuestionSerializer})
    def create(self, request, pk):
        """Ask the buyer; all who are invited read the answer, and not who asked."""
        rfq = get_object_or_404(RequestForQuotation.objects.received_by(request.user).with_names(), pk=pk)
        said = checked(QuestionInput, request)
        organisation = acting(request, said.pop("organisation"), *Membership.TRADING_ROLES)
        question = rfq_invitations.ask_question(
            rfq=rfq, by=request.user, organisation=organisation, now=timezone.now(), **said
        )
        return Response(RfqQuestionSerializer(question).data, status=HTTPStatus.CREATED)


class RfqQuestionAnswer(APIView):
    @extend_schema(request=QuestionAnswerInput, responses=RfqQuestionSerializer)
    def post(self, request, pk):
        """Answer to all who are invited."""
        mine = RequestForQuotation.objects.editable_by(request.user)
        question = get_object_or_404(RfqQuestion.objects.filter(rfq__in=mine).select_related("rfq__buyer"), pk=pk)
        said = checked(QuestionAnswerInput, request)
        question = rfq_invitations.answer_question(question=question, by=request.user, now=timezone.now(), **said)
        return Response(RfqQuestionSerializer(question).data)


class RfqInvitationDetail(APIView):
    @extend_schema(request=None, responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        """Take a supplier off a draft."""
        mine = RequestForQuotation.objects.editable_by(request.user)
        invitation = get_object_or_404(RfqInvitation.objects.filter(rfq__in=mine).select_related("rfq"), pk=pk)
        rfqs.remove_invitation(invitation=invitation, by=request.user, now=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)


class RfqInvitationDecline(APIView):
    @extend_schema(request=ReasonInput, responses=RfqInvitationSerializer)
    def post(self, request, pk):
        """Say that one will not quote."""
        mine = Organisation.objects.of(request.user, *Membership.TRADING_ROLES)
        invitations = RfqInvitation.objects.filter(supplier__in=mine, invited_at__isnull=False)
        invitation = get_object_or_404(invitations.select_related("rfq__buyer", "supplier"), pk=pk)
        said = checked(ReasonInput, request)
        invitation = rfq_invitations.decline_invitation(
            invitation=invitation, by=request.user, now=timezone.now(), **said
        )
        return Response(RfqInvitationSerializer(invitation, context={"request": request}).data)


urlpatterns = [
    path("rfqs/", RfqList.as_view(), name="api_rfq_list"),
    path("rfqs/<int:pk>/", RfqDetail.as_view(), name="api_rfq_detail"),
    path("rfqs/<int:pk>/publish/", RfqPublish.as_view(), name="api_rfq_publish"),
    path("rfqs/<int:pk>/suppliers/", RfqSuppliers.as_view(), name="api_rfq_suppliers"),
    path("rfqs/<int:pk>/extend/", RfqExtend.as_view(), name="api_rfq_extend"),
    path("rfqs/<int:pk>/close/", RfqClose.as_view(), name="api_rfq_close"),
    path("rfqs/<int:pk>/cancel/", RfqCancel.as_view(), name="api_rfq_cancel"),
    path("rfqs/<int:pk>/copy/", RfqCopy.as_view(), name="api_rfq_copy"),
    path("rfqs/<int:pk>/open/", RfqOpen.as_view(), name="api_rfq_open"),
    path("rfqs/<int:pk>/questions/", RfqQuestions.as_view(), name="api_rfq_questions"),
    path("rfq-questions/<int:pk>/answer/", RfqQuestionAnswer.as_view(), name="api_rfq_question_answer"),
    path("rfq-invitations/<int:pk>/", RfqInvitationDetail.as_view(), name="api_rfq_invitation_detail"),
    path("rfq-invitations/<int:pk>/decline/", RfqInvitationDecline.as_view(), name="api_rfq_invitation_decline"),
]
