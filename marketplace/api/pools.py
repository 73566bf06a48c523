from http import HTTPStatus

from django.db.models import Q
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.api.pool_serializers import (
    CommitmentCreate,
    CommitmentInput,
    CommitmentSerializer,
    Count,
    FirmsInput,
    OutlookSerializer,
    PoolCreate,
    PoolInput,
    PoolOfferSerializer,
    PoolOrderSerializer,
    PoolProposalSerializer,
    PoolSerializer,
    SuppliesInput,
    WhyInput,
)
from marketplace.models import Offer, Organisation, PoolCommitment, PurchasePool
from marketplace.services import pool_commitments, pool_offers, pool_pages, pool_proposals, pools


def _pools(user):
    return PurchasePool.objects.visible_to(user).with_details().with_commitments()


def _shown(pk) -> dict:
    return PoolSerializer(PurchasePool.objects.with_details().with_commitments().get(pk=pk)).data


@extend_schema_view(
    get=extend_schema(
        parameters=[
            OpenApiParameter("status", str, description="Only those of this status."),
            OpenApiParameter(
                "mine", bool, description="Only those that the reader's firms run, are in or were asked to join."
            ),
        ]
    )
)
class PoolList(CreatingView, generics.ListAPIView):
    """The collective purchases that the reader may see."""

    queryset = PurchasePool.objects.none()
    serializer_class = PoolSerializer
    pagination_class = Pages
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found, asked = _pools(self.request.user), self.request.query_params
        if asked.get("status") in PurchasePool.Status.values:
            found = found.filter(status=asked["status"])
        if asked.get("mine") in ("true", "1"):
            found = found.concerning(Organisation.objects.of(self.request.user))
        return found.order_by("-created_at", "-pk")

    @extend_schema(request=PoolCreate, responses={HTTPStatus.CREATED: PoolSerializer})
    def create(self, request):
        """Open a collective purchase, and invite the firms of ``demands``."""
        said = dict(checked(PoolCreate, request))
        organiser, demands = said.pop("organiser"), said.pop("demands", [])
        pool = pools.open_pool(
            organiser=organiser, by=request.user, fields=said, invited_demands=demands, now=timezone.now()
        )
        return Response(_shown(pool.pk), status=HTTPStatus.CREATED)


class PoolDetail(APIView):
    permission_classes = [permissions.IsAuthenticatedOrReadOnly]

    @extend_schema(responses=PoolSerializer)
    def get(self, request, pk):
        """Show a collective purchase, and how far it has come."""
        return Response(PoolSerializer(get_object_or_404(_pools(request.user), pk=pk)).data)

    @extend_schema(request=PoolInput, responses=PoolSerializer)
    def put(self, request, pk):
        """Say anew what it is; 409 once a firm has joined."""
        pool = get_object_or_404(PurchasePool.objects.editable_by(request.user), pk=pk)
        pools.edit_pool(pool=pool, by=request.user, fields=dict(checked(PoolInput, request)), now=timezone.now())
        return Response(_shown(pk))


class PoolAct(APIView):
    """What the organiser does; 409 where the present status does not allow it."""

    def act(self, request, pk, service, **said):
        pool = get_object_or_404(PurchasePool.objects.editable_by(request.user), pk=pk)
        service(pool=pool, by=request.user, now=timezone.now(), **said)
        return Response(_shown(pk))


class PoolClose(PoolAct):
    @extend_schema(request=None, responses=PoolSerializer)
    def post(self, request, pk):
        """Close it before its time, once the minimum is reached."""
        return self.act(request, pk, pools.close_pool)


class PoolCancel(PoolAct):
    @extend_schema(request=WhyInput, responses=PoolSerializer)
    def post(self, request, pk):
        """Cancel it, with a reason that the members read."""
        return self.act(request, pk, pools.cancel_pool, reason=checked(WhyInput, request)["reason"])


class PoolGiveUp(PoolAct):
    @extend_schema(request=None, responses=PoolSerializer)
    def post(self, request, pk):
        """Say that no supplier was found."""
        return self.act(request, pk, pool_offers.give_up_pool)


class PoolInvitations(CreatingView):
    @extend_schema(request=FirmsInput, responses={HTTPStatus.CREATED: Count})
    def create(self, request, pk):
        """Invite firms; who was invited before is left out of the count."""
        pool = get_object_or_404(PurchasePool.objects.editable_by(request.user), pk=pk)
        names = [name.strip().upper() for name in checked(FirmsInput, request)["firms"]]
        ids = [int(name) for name in names if name.isdigit() and len(name) < 18]
        found = list(Organisation.objects.approved().filter(Q(pk__in=ids) | Q(uscc__in=names)))
        known = {str(one.pk) for one in found} | {one.uscc for one in found}
        if missing := [name for name in names if name not in known]:
            message = _("No approved organisation has this id or code: %(names)s") % {"names": ", ".join(missing)}
            raise serializers.ValidationError({"firms": [message]})
        new = pools.invite_firms(pool=pool, organisations=found, by=request.user, now=timezone.now())
        return Response({"count": len(new)}, status=HTTPStatus.CREATED)


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("quantity", str, required=True, description="In the pool's unit.")])
)
class PoolOutlook(APIView):
    @extend_schema(responses=OutlookSerializer)
    def get(self, request, pk):
        """Show what a quantity would mean, before committing to it: price with and without it, savings, a shortage."""
        pool = get_object_or_404(_pools(request.user), pk=pk)
        said = CommitmentInput(data={"quantity": request.query_params.get("quantity")})
        said.is_valid(raise_exception=True)
        quantity = said.validated_data["quantity"] // pool.step * pool.step
        if quantity <= 0:
            raise serializers.ValidationError({"quantity": [_("Must be greater than zero.")]})
        found = pool_commitments.outlook(pool=pool, quantity=quantity, now=timezone.now())
        return Response(OutlookSerializer(found).data)


class PoolCommitments(CreatingView, generics.ListAPIView):
    """The commitments that the reader may see: their own, and for the organiser all."""

    queryset = PoolCommitment.objects.none()
    serializer_class = CommitmentSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        pool = get_object_or_404(PurchasePool.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        return pool.commitments.visible_to(self.request.user).select_related("organisation").in_turn()

    @extend_schema(request=CommitmentCreate, responses={HTTPStatus.CREATED: CommitmentSerializer})
    def create(self, request, pk):
        """Commit a firm to a quantity; the demand named holds it."""
        pool = get_object_or_404(PurchasePool.objects.visible_to(request.user), pk=pk)
        said = checked(CommitmentCreate, request)
        commitment = pool_commitments.commit_to_pool(pool=pool, by=request.user, now=timezone.now(), **said)
        return Response(CommitmentSerializer(commitment).data, status=HTTPStatus.CREATED)


class CommitmentDetail(APIView):
    @extend_schema(responses=CommitmentSerializer)
    def get(self, request, pk):
        """Show a commitment."""
        visible = PoolCommitment.objects.visible_to(request.user).select_related("organisation")
        return Response(CommitmentSerializer(get_object_or_404(visible, pk=pk)).data)

    @extend_schema(request=CommitmentInput, responses=CommitmentSerializer)
    def put(self, request, pk):
        """Take more or less; less only while leaving is free."""
        mine = PoolCommitment.objects.editable_by(request.user).select_related("organisation", "pool")
        commitment = get_object_or_404(mine, pk=pk)
        said = checked(CommitmentInput, request)
        changed = pool_commitments.change_commitment(commitment=commitment, by=request.user, now=timezone.now(), **said)
        return Response(CommitmentSerializer(changed).data)


class CommitmentLeave(APIView):
    @extend_schema(request=WhyInput, responses=CommitmentSerializer)
    def post(self, request, pk):
        """Leave while that is free; later, ask the organiser with a reason."""
        mine = PoolCommitment.objects.editable_by(request.user).select_related("organisation", "pool")
        commitment = get_object_or_404(mine, pk=pk)
        said = checked(WhyInput, request)
        left = pool_commitments.leave_pool(commitment=commitment, by=request.user, now=timezone.now(), **said)
        return Response(CommitmentSerializer(left).data)


class CommitmentLetGo(APIView):
    @extend_schema(request=None, responses=CommitmentSerializer)
    def post(self, request, pk):
        """Let a member go that asked to; for the organiser."""
        run = PurchasePool.objects.editable_by(request.user)
        rows = PoolCommitment.objects.filter(pool__in=run).select_related("organisation", "pool")
        commitment = get_object_or_404(rows, pk=pk)
        gone = pool_commitments.let_member_go(commitment=commitment, by=request.user, now=timezone.now())
        return Response(CommitmentSerializer(gone).data)


class PoolOffers(CreatingView):
    @extend_schema(operation_id="pools_offers_list", responses=PoolOfferSerializer(many=True))
    def get(self, request, pk):
        """List the suppliers asked, their open offers, and how each would be shared among the members."""
        pool = get_object_or_404(_pools(request.user), pk=pk)
        page = pool_pages.read_page(pool=pool, user=request.user, now=timezone.now())
        return Response(PoolOfferSerializer(page.suppliers, many=True, context={"request": request}).data)

    @extend_schema(request=SuppliesInput, responses={HTTPStatus.CREATED: Count})
    def create(self, request, pk):
        """Ask the firms of these supplies: a negotiation with each, the pool's terms as its first offer."""
        pool = get_object_or_404(PurchasePool.objects.editable_by(request.user).with_details(), pk=pk)
        now, ids = timezone.now(), checked(SuppliesInput, request)["supplies"]
        supplies = list(pool_offers.supplier_choices(pool=pool, user=request.user, now=now).filter(pk__in=ids))
        if missing := sorted(set(ids) - {one.pk for one in supplies}):
            message = _("These supplies cannot be asked: %(ids)s") % {"ids": ", ".join(map(str, missing))}
            raise serializers.ValidationError({"supplies": [message]})
        asked = pool_offers.ask_suppliers(pool=pool, supplies=supplies, by=request.user, now=now)
        return Response({"count": len(asked)}, status=HTTPStatus.CREATED)


class PoolOfferAccept(CreatingView):
    @extend_schema(request=None, responses={HTTPStatus.CREATED: PoolOrderSerializer(many=True)})
    def create(self, request, pk, offer_pk):
        """Accept an offer for all members at once: one order for each."""
        offers = Offer.objects.visible_to(request.user).filter(negotiation__pool_supplier__pool=pk).with_lines()
        offer = get_object_or_404(offers.select_related("negotiation__buyer", "negotiation__seller"), pk=offer_pk)
        pool = get_object_or_404(PurchasePool, pk=pk)
        orders = pool_offers.accept_pool_offer(pool=pool, offer=offer, by=request.user, now=timezone.now())
        return Response(PoolOrderSerializer(orders, many=True).data, status=HTTPStatus.CREATED)


class PoolProposals(APIView):
    @extend_schema(operation_id="pool_proposals_list", responses=PoolProposalSerializer(many=True))
    def get(self, request):
        """List what could be bought together among the demands that the reader sees, the largest saving first."""
        found = pool_proposals.propose_pools(user=request.user, now=timezone.now())
        return Response(PoolProposalSerializer(found, many=True, context={"request": request}).data)


urlpatterns = [
    path("pools/", PoolList.as_view(), name="api_pool_list"),
    path("pools/<int:pk>/", PoolDetail.as_view(), name="api_pool_detail"),
    path("pools/<int:pk>/close/", PoolClose.as_view(), name="api_pool_close"),
    path("pools/<int:pk>/cancel/", PoolCancel.as_view(), name="api_pool_cancel"),
    path("pools/<int:pk>/give-up/", PoolGiveUp.as_view(), name="api_pool_give_up"),
    path("pools/<int:pk>/invitations/", PoolInvitations.as_view(), name="api_pool_invite"),
    path("pools/<int:pk>/outlook/", PoolOutlook.as_view(), name="api_pool_outlook"),
    path("pools/<int:pk>/commitments/", PoolCommitments.as_view(), name="api_pool_commitments"),
    path("pools/<int:pk>/offers/", PoolOffers.as_view(), name="api_pool_offers"),
    path("pools/<int:pk>/offers/<int:offer_pk>/accept/", PoolOfferAccept.as_view(), name="api_pool_accept"),
    path("pool-commitments/<int:pk>/", CommitmentDetail.as_view(), name="api_pool_commitment_detail"),
    path("pool-commitments/<int:pk>/leave/", CommitmentLeave.as_view(), name="api_pool_commitment_leave"),
    path("pool-commitments/<int:pk>/let-go/", CommitmentLetGo.as_view(), name="api_pool_commitment_let_go"),
    path("pool-proposals/", PoolProposals.as_view(), name="api_pool_proposal_list"),
]
