from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.api.negotiation_serializers import (
    AcceptedSerializer,
    ApprovalDecision,
    ApprovalSerializer,
    NoteInput,
    OfferSerializer,
)
from marketplace.api.negotiations import context_of
from marketplace.api.pages import Pages
from marketplace.models import Approval, Offer, Order
from marketplace.services import approvals, offers


def _visible(request):
    names = ("made_by", "made_for__disclosure", "negotiation__buyer", "negotiation__seller")
    visible = Offer.objects.visible_to(request.user).with_lines().select_related(*names)
    return visible.prefetch_related("attachments__uploaded_by")


def _shown(request, pk) -> Response:
    offer = get_object_or_404(_visible(request), pk=pk)
    return Response(OfferSerializer(offer, context=context_of(request)).data)


def _outcome(made: Order | Approval) -> dict:
    is_order = isinstance(made, Order)
    return {
        "order": made.pk if is_order else None,
        "order_number": made.number if is_order else None,
        "approval": made.pk if isinstance(made, Approval) else None,
    }


class OfferDetail(APIView):
    @extend_schema(responses=OfferSerializer)
    def get(self, request, pk):
        """Show an offer."""
        return _shown(request, pk)


class OfferAccept(CreatingView):
    @extend_schema(request=None, responses={HTTPStatus.CREATED: AcceptedSerializer})
    def create(self, request, pk):
        """Accept: the order is confirmed, and its quantity is taken from both listings."""
        offer = get_object_or_404(_visible(request), pk=pk)
        made = offers.accept_offer(offer=offer, by=request.user, now=timezone.now())
        return Response(AcceptedSerializer(_outcome(made)).data, status=HTTPStatus.CREATED)


class OfferDecline(APIView):
    @extend_schema(request=NoteInput, responses=OfferSerializer)
    def post(self, request, pk):
        """Decline; the negotiation stays open for another offer."""
        offer = get_object_or_404(_visible(request), pk=pk)
        serializer = NoteInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        offers.decline_offer(offer=offer, by=request.user, now=timezone.now(), **serializer.validated_data)
        return _shown(request, pk)


class OfferWithdraw(APIView):
    @extend_schema(request=None, responses=OfferSerializer)
    def post(self, request, pk):
        """Take back an offer of one's own while it is not answered."""
        offers.withdraw_offer(offer=get_object_or_404(_visible(request), pk=pk), by=request.user, now=timezone.now())
        return _shown(request, pk)


class ApprovalList(generics.ListAPIView):
    """What was asked of the approvers of the user's organisations; ``?mine=true``: what waits for the user."""

    queryset = Approval.objects.none()
    serializer_class = ApprovalSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        user = self.request.user
        is_mine = self.request.query_params.get("mine") == "true"
        found = Approval.objects.decidable_by(user) if is_mine else Approval.objects.visible_to(user)
        return found.select_related("requested_by", "decided_by").order_by("-requested_at", "-pk")


class ApprovalDecide(CreatingView):
    @extend_schema(request=ApprovalDecision, responses={HTTPStatus.CREATED: ApprovalSerializer})
    def create(self, request, pk):
        """Approve, which sends or accepts the offer, or refuse."""
        approval = get_object_or_404(Approval.objects.visible_to(request.user).with_details(), pk=pk)
        serializer = ApprovalDecision(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        decide = approvals.approve if said["answer"] == "approve" else approvals.refuse
        decide(approval=approval, by=request.user, note=said["note"], now=timezone.now())
        shown = Approval.objects.select_related("requested_by", "decided_by").get(pk=pk)
        return Response(ApprovalSerializer(shown).data, status=HTTPStatus.CREATED)


urlpatterns = [
    path("offers/<int:pk>/", OfferDetail.as_view(), name="api_offer_detail"),
    path("offers/<int:pk>/accept/", OfferAccept.as_view(), name="api_offer_accept"),
    path("offers/<int:pk>/decline/", OfferDecline.as_view(), name="api_offer_decline"),
    path("offers/<int:pk>/withdraw/", OfferWithdraw.as_view(), name="api_offer_withdraw"),
    path("approvals/", ApprovalList.as_view(), name="api_approval_list"),
    path("approvals/<int:pk>/decide/", ApprovalDecide.as_view(), name="api_approval_decide"),
]
