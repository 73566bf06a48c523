"""Proposals to change orders, and disputes."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.order_serializers import (
    AnswerInput,
    DecisionInput,
    DisputeInput,
    DisputeSerializer,
    EvidenceInput,
    PreviewInput,
    ProposalInput,
    ProposalSerializer,
    SettlementInput,
)
from marketplace.api.orders import traded_order, visible_order
from marketplace.api.pages import Pages
from marketplace.models import Attachment, Dispute, Proposal
from marketplace.services import disputes, proposals
from marketplace.services.order_lines import line_at
from marketplace.services.orders import lines_of, side_of_user

AMENDMENT = OpenApiExample(
    "Fewer, and later",
    value={
        "kind": "amendment",
        "terms": {"lines": [{"line": 1, "quantity": "450"}], "window_end": "2026-04-15"},
        "reason": "产线检修",
    },
    request_only=True,
)


def attachments_of(request, organisation, ids) -> list[Attachment]:
    """Return the files of these ids that the organisation may attach, or answer 400."""
    found = list(Attachment.objects.attachable_by(request.user, organisation).filter(pk__in=ids))
    if missing := set(ids) - {one.pk for one in found}:
        message = _("There is no file %(id)s of yours.") % {"id": ", ".join(map(str, sorted(missing)))}
        raise serializers.ValidationError({"attachments": [message]})
    return found


class OrderProposals(CreatingView):
    @extend_schema(operation_id="orders_proposals_list", responses=ProposalSerializer(many=True))
    def get(self, request, pk):
        """Show what was proposed to change in an order."""
        found = visible_order(request, pk).proposals.with_details().order_by("-pk")
        return Response(ProposalSerializer(found, many=True).data)

    @extend_schema(request=ProposalInput, responses={HTTPStatus.CREATED: ProposalSerializer}, examples=[AMENDMENT])
    def create(self, request, pk):
        """Propose an amendment, a cancellation, a short delivery or a return; the other side confirms it."""
        order, said = traded_order(request, pk), checked(ProposalInput, request)
        proposal = proposals.propose(
            order=order,
            organisation=side_of_user(request.user, order),
            kind=said["kind"],
            said=said["terms"],
            reason=said["reason"],
            by=request.user,
            now=timezone.now(),
        )
        return Response(ProposalSerializer(proposal).data, status=HTTPStatus.CREATED)


class ProposalPreview(APIView):
    @extend_schema(request=PreviewInput, responses=OpenApiTypes.OBJECT)
    def post(self, request, pk):
        """Show what a proposal would do, without making it: totals, bookings, listings."""
        order, said = traded_order(request, pk), checked(PreviewInput, request)
        return Response(proposals.preview(order=order, kind=said["kind"], said=said["terms"], now=timezone.now()))


class ProposalConfirm(APIView):
    @extend_schema(request=AnswerInput, responses=ProposalSerializer)
    def post(self, request, pk):
        """Agree as the other side; it is carried out at once."""
        proposal = get_object_or_404(Proposal.objects.answerable_by(request.user).with_details(), pk=pk)
        note = checked(AnswerInput, request)["note"]
        done = proposals.confirm_proposal(proposal=proposal, by=request.user, note=note, now=timezone.now())
        return Response(ProposalSerializer(done).data)


class ProposalDecline(APIView):
    @extend_schema(request=AnswerInput, responses=ProposalSerializer)
    def post(self, request, pk):
        """Refuse as the other side."""
        proposal = get_object_or_404(Proposal.objects.answerable_by(request.user).with_details(), pk=pk)
        note = checked(AnswerInput, request)["note"]
        done = proposals.decline_proposal(proposal=proposal, by=request.user, note=note, now=timezone.now())
        return Response(ProposalSerializer(done).data)


class ProposalWithdraw(APIView):
    @extend_schema(request=None, responses=ProposalSerializer)
    def post(self, request, pk):
        """Take back what one's own side proposed."""
        proposal = get_object_or_404(Proposal.objects.withdrawable_by(request.user).with_details(), pk=pk)
        done = proposals.withdraw_proposal(proposal=proposal, by=request.user, now=timezone.now())
        return Response(ProposalSerializer(done).data)


class DisputeFilter(filters.FilterSet):
    class Meta:
        model = Dispute
        fields = ("status", "kind", "order")


class DisputeList(generics.ListAPIView):
    """The disputes about orders of the user's organisations; all for the platform operator."""

    queryset = Dispute.objects.none()
    serializer_class = DisputeSerializer
    filterset_class = DisputeFilter
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Dispute.objects.visible_to(self.request.user).with_details().order_by("-pk")


def shown(dispute: Dispute, status: int = HTTPStatus.OK) -> Response:
    return Response(DisputeSerializer(Dispute.objects.with_details().get(pk=dispute.pk)).data, status=status)


class DisputeDetail(APIView):
    @extend_schema(responses=DisputeSerializer)
    def get(self, request, pk):
        """Show one dispute with what was said and what the records say."""
        return shown(get_object_or_404(Dispute.objects.visible_to(request.user), pk=pk))


class OrderDisputes(CreatingView):
    @extend_schema(request=DisputeInput, responses={HTTPStatus.CREATED: DisputeSerializer})
    def create(self, request, pk):
        """Dispute a part of what was sent; only that part freezes."""
        order, said = traded_order(request, pk), checked(DisputeInput, request)
        side = side_of_user(request.user, order)
        line = line_at(lines_of(order), said.pop("line"), "line")
        files = attachments_of(request, side, said.pop("attachments"))
        dispute = disputes.open_dispute(
            line=line, organisation=side, attachments=files, by=request.user, now=timezone.now(), **said
        )
        return shown(dispute, HTTPStatus.CREATED)


def _spoken_for(request, pk) -> Dispute:
    return get_object_or_404(Dispute.objects.editable_by(request.user).with_details(), pk=pk)


class DisputeEvidenceCreate(CreatingView):
    @extend_schema(request=EvidenceInput, responses={HTTPStatus.CREATED: DisputeSerializer})
    def create(self, request, pk):
        """Say and show something in an open dispute."""
        dispute, said = _spoken_for(request, pk), checked(EvidenceInput, request)
        side = side_of_user(request.user, dispute.order)
        files = attachments_of(request, side, said["attachments"])
        disputes.add_evidence(
            dispute=dispute,
            organisation=side,
            text=said["text"],
            attachments=files,
            by=request.user,
            now=timezone.now(),
        )
        return shown(dispute, HTTPStatus.CREATED)


class DisputeSettle(CreatingView):
    @extend_schema(request=SettlementInput, responses={HTTPStatus.CREATED: ProposalSerializer})
    def create(self, request, pk):
        """Propose to the other side how the dispute ends."""
        dispute, said = _spoken_for(request, pk), checked(SettlementInput, request)
        proposal = disputes.propose_settlement(
            dispute=dispute,
            organisation=side_of_user(request.user, dispute.order),
            reason=said.pop("reason"),
            said=said,
            by=request.user,
            now=timezone.now(),
        )
        return Response(ProposalSerializer(proposal).data, status=HTTPStatus.CREATED)


class DisputeWithdraw(APIView):
    @extend_schema(request=None, responses=DisputeSerializer)
    def post(self, request, pk):
        """Give a dispute up, as the side that opened it."""
        return shown(disputes.withdraw_dispute(dispute=_spoken_for(request, pk), by=request.user, now=timezone.now()))


class DisputeDecide(APIView):
    @extend_schema(request=DecisionInput, responses=DisputeSerializer)
    def post(self, request, pk):
        """Decide as the platform operator; 409 for anybody else who sees the dispute."""
        dispute = get_object_or_404(Dispute.objects.visible_to(request.user).with_details(), pk=pk)
        said = checked(DecisionInput, request)
        note = said.pop("note")
        return shown(
            disputes.decide_dispute(dispute=dispute, said=said, note=note, by=request.user, now=timezone.now())
        )


urlpatterns = [
    path("orders/<int:pk>/proposals/", OrderProposals.as_view(), name="api_order_proposals"),
    path("orders/<int:pk>/proposals/preview/", ProposalPreview.as_view(), name="api_proposal_preview"),
    path("proposals/<int:pk>/confirm/", ProposalConfirm.as_view(), name="api_proposal_confirm"),
    path("proposals/<int:pk>/decline/", ProposalDecline.as_view(), name="api_proposal_decline"),
    path("proposals/<int:pk>/withdraw/", ProposalWithdraw.as_view(), name="api_proposal_withdraw"),
    path("orders/<int:pk>/disputes/", OrderDisputes.as_view(), name="api_order_disputes"),
    path("disputes/", DisputeList.as_view(), name="api_dispute_list"),
    path("disputes/<int:pk>/", DisputeDetail.as_view(), name="api_dispute_detail"),
    path("disputes/<int:pk>/evidence/", DisputeEvidenceCreate.as_view(), name="api_dispute_evidence"),
    path("disputes/<int:pk>/settle/", DisputeSettle.as_view(), name="api_dispute_settle"),
    path("disputes/<int:pk>/withdraw/", DisputeWithdraw.as_view(), name="api_dispute_withdraw"),
    path("disputes/<int:pk>/decide/", DisputeDecide.as_view(), name="api_dispute_decide"),
]
