"""Drawing and repaying by API: the same services as the pages."""

from http import HTTPStatus

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.api.lending_serializers import (
    DrawdownSerializer,
    DrawInput,
    LendingNoteInput,
    LoanSerializer,
    OrderedSerializer,
    PledgeInput,
    PortfolioSerializer,
    RepaymentInput,
    RepaymentSerializer,
    ReservationSerializer,
    ReserveInput,
)
from finance.models import CreditLine, Drawdown, Repayment, Reservation
from finance.services import drawdowns, loan_pages, orders_on_credit, portfolio, repayments, reservations
from marketplace.api.fields import checked, find_organisation
from marketplace.api.idempotency import CreatingView, key_of
from marketplace.api.pages import Pages
from marketplace.models import Membership, Offer, Order, Organisation, PurchasePool


def firm_of(said: str | None, field: str) -> Organisation | None:
    """Return the approved firm of this id or credit code, or answer 400."""
    if not said:
        return None
    found = find_organisation(Organisation.objects.approved(), said)
    if found is None:
        raise serializers.ValidationError({field: [_("No approved organisation has this id or code.")]})
    return found


def own_line(user, pk: int) -> CreditLine:
    """Return a line that the user draws for its firm, else 404."""
    lines = CreditLine.objects.of_firm(user, *Membership.TRADING_ROLES).drawable().with_names()
    return get_object_or_404(lines, pk=pk)


@extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("status", str, description="Only those of this status.")])
)
class DrawdownList(CreatingView, generics.ListAPIView):
    """The loans of the reader's firms and banks."""

    queryset = Drawdown.objects.none()
    serializer_class = DrawdownSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = Drawdown.objects.visible_to(self.request.user).with_names().order_by("-requested_at", "-pk")
        status = self.request.query_params.get("status")
        return found.filter(status=status) if status in Drawdown.Status.values else found

    @extend_schema(request=DrawInput, responses={HTTPStatus.CREATED: DrawdownSerializer})
    def create(self, request):
        """Ask the bank to pay a supplier under a line; the same key draws nothing twice, however late it comes."""
        said = dict(checked(DrawInput, request))
        line = own_line(request.user, said.pop("line"))
        kept = said.pop("reservation", None)
        drawdown = drawdowns.request_drawdown(
            line=line,
            reservation=get_object_or_404(line.reservations.with_names(), pk=kept) if kept else None,
            payee=firm_of(said.pop("payee", None), "payee"),
            said=said,
            by=request.user,
            at=timezone.now(),
            key=key_of(request),
        )
        return Response(DrawdownSerializer(drawdown).data, status=HTTPStatus.CREATED)


class DrawdownDetail(APIView):
    @extend_schema(responses=LoanSerializer)
    def get(self, request, pk):
        """Show a loan with its schedule, repayments, what is owed today and its yearly cost."""
        drawdown = get_object_or_404(Drawdown.objects.visible_to(request.user).with_names(), pk=pk)
        page = loan_pages.read_loan(drawdown=drawdown, user=request.user, now=timezone.now())
        whole = {
            "loan": drawdown,
            "instalments": [row.instalment for row in page.rows],
            "repayments": page.repayments,
            "owed": page.owed or None,
            "yearly_cost": page.cost,
        }
        return Response(LoanSerializer(whole).data)


class DrawdownAct(APIView):
    """A step of a drawdown by whoever may; 409 where its state does not allow it."""

    service = None
    takes_note = False

    def rows(self, user):
        return Drawdown.objects.of_bank(user)

    def act(self, request, pk):
        drawdown = get_object_or_404(self.rows(request.user).with_names(), pk=pk)
        said = {"note": checked(LendingNoteInput, request)["note"]} if self.takes_note else {}
        drawdown = type(self).service(drawdown=drawdown, by=request.user, at=timezone.now(), **said)
        return Response(DrawdownSerializer(drawdown).data)


class DrawdownPropose(DrawdownAct):
    service = staticmethod(drawdowns.propose_drawdown)

    @extend_schema(request=None, responses=DrawdownSerializer)
    def post(self, request, pk):
        """Hand a request on to the checker."""
        return self.act(request, pk)


class DrawdownApprove(DrawdownAct):
    service = staticmethod(drawdowns.approve_drawdown)

    @extend_schema(request=None, responses=DrawdownSerializer)
    def post(self, request, pk):
        """Approve what another proposed."""
        return self.act(request, pk)


class DrawdownReturn(DrawdownAct):
    service = staticmethod(drawdowns.return_drawdown)
    takes_note = True

    @extend_schema(request=LendingNoteInput, responses=DrawdownSerializer)
    def post(self, request, pk):
        """Send a proposal back to the maker, with a reason."""
        return self.act(request, pk)


class DrawdownDecline(DrawdownAct):
    service = staticmethod(drawdowns.decline_drawdown)
    takes_note = True

    @extend_schema(request=LendingNoteInput, responses=DrawdownSerializer)
    def post(self, request, pk):
        """Refuse a request in the bank's name, with a reason that the firm reads."""
        return self.act(request, pk)


class DrawdownCancel(DrawdownAct):
    service = staticmethod(drawdowns.cancel_drawdown)

    def rows(self, user):
        return Drawdown.objects.of_firm(user, *Membership.TRADING_ROLES)

    @extend_schema(request=None, responses=DrawdownSerializer)
    def post(self, request, pk):
        """Take a request back."""
        return self.act(request, pk)


class RepaymentCreate(CreatingView):
    @extend_schema(request=RepaymentInput, responses={HTTPStatus.CREATED: RepaymentSerializer})
    def create(self, request, pk):
        """Record what the bank received; its reference names it for good."""
        drawdown = get_object_or_404(Drawdown.objects.of_bank(request.user).with_names(), pk=pk)
        said = checked(RepaymentInput, request)
        repayment = repayments.record_repayment(drawdown=drawdown, said=said, by=request.user, at=timezone.now())
        return Response(RepaymentSerializer(repayment).data, status=HTTPStatus.CREATED)


class RepaymentConfirm(APIView):
    @extend_schema(request=None, responses=RepaymentSerializer)
    def post(self, request, pk):
        """Confirm what another recorded, and book it."""
        repayment = get_object_or_404(Repayment.objects.of_bank(request.user).with_names(), pk=pk)
        repayment = repayments.confirm_repayment(repayment=repayment, by=request.user, at=timezone.now())
        return Response(RepaymentSerializer(repayment).data)


class RepaymentRefuse(APIView):
    @extend_schema(request=LendingNoteInput, responses=RepaymentSerializer)
    def post(self, request, pk):
        """Refuse what another recorded, with a reason."""
        repayment = get_object_or_404(Repayment.objects.of_bank(request.user).with_names(), pk=pk)
        note = checked(LendingNoteInput, request)["note"]
        repayment = repayments.refuse_repayment(repayment=repayment, by=request.user, at=timezone.now(), note=note)
        return Response(RepaymentSerializer(repayment).data)


class ReservationList(generics.ListAPIView):
    """What is kept of the lines that the reader sees."""

    queryset = Reservation.objects.none()
    serializer_class = ReservationSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Reservation.objects.visible_to(self.request.user).order_by("-at", "-pk")


class ReservationFree(APIView):
    @extend_schema(request=None, responses=ReservationSerializer)
    def post(self, request, pk):
        """Give back what was kept, or take a promise to a pool back."""
        lines = CreditLine.objects.of_firm(request.user, *Membership.TRADING_ROLES)
        kept = get_object_or_404(Reservation.objects.filter(line__in=lines).with_names(), pk=pk)
        is_pledge = kept.status == Reservation.Status.PLEDGED
        service = reservations.withdraw_pledge if is_pledge else reservations.free_reservation
        service(reservation=kept, by=request.user, at=timezone.now())
        kept.refresh_from_db()
        return Response(ReservationSerializer(kept).data)


class OfferOnCredit(CreatingView):
    @extend_schema(request=ReserveInput, responses={HTTPStatus.CREATED: OrderedSerializer})
    def create(self, request, pk):
        """Accept a supplier's offer and keep its amount on a line, both or neither."""
        offer = loan_pages.answerable_offer(user=request.user, pk=pk)
        if offer is None:
            raise Http404
        line = own_line(request.user, checked(ReserveInput, request)["line"])
        order, kept = orders_on_credit.order_on_credit(offer=offer, line=line, by=request.user, at=timezone.now())
        body = {"orders": [order.pk], "reservations": [kept]}
        return Response(OrderedSerializer(body).data, status=HTTPStatus.CREATED)


class OrderOnCredit(CreatingView):
    @extend_schema(request=ReserveInput, responses={HTTPStatus.CREATED: ReservationSerializer})
    def create(self, request, pk):
        """Keep what is still to be paid of an order on a line of its buyer."""
        order = get_object_or_404(Order.objects.visible_to(request.user).select_related("buyer"), pk=pk)
        line = own_line(request.user, checked(ReserveInput, request)["line"])
        kept = reservations.reserve_for_order(line=line, order=order, by=request.user, at=timezone.now())
        return Response(ReservationSerializer(kept).data, status=HTTPStatus.CREATED)


class PoolPledge(CreatingView):
    @extend_schema(request=PledgeInput, responses={HTTPStatus.CREATED: ReservationSerializer})
    def create(self, request, pk):
        """Let the firm's part of a collective purchase be bought on its line when the pool is ordered."""
        said = checked(PledgeInput, request)
        pool = get_object_or_404(PurchasePool.objects.visible_to(request.user), pk=pk)
        line = own_line(request.user, said["line"])
        kept = reservations.pledge_to_pool(
            line=line, pool=pool, amount=said["amount"], by=request.user, at=timezone.now()
        )
        return Response(ReservationSerializer(kept).data, status=HTTPStatus.CREATED)


class PoolOnCredit(CreatingView):
    @extend_schema(request=None, responses={HTTPStatus.CREATED: OrderedSerializer})
    def create(self, request, pk, offer_pk):
        """Accept an offer for all members, and keep each promising member's part on its line."""
        pool = get_object_or_404(PurchasePool.objects.editable_by(request.user), pk=pk)
        offers = Offer.objects.filter(negotiation__pool_supplier__pool=pool).select_related("negotiation")
        offer = get_object_or_404(offers.prefetch_related("lines"), pk=offer_pk)
        orders, kept = orders_on_credit.order_pool_on_credit(pool=pool, offer=offer, by=request.user, at=timezone.now())
        body = {"orders": [one.pk for one in orders], "reservations": kept}
        return Response(OrderedSerializer(body).data, status=HTTPStatus.CREATED)


class PortfolioDetail(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("bank", int, description="The reader's first bank, unless said.")],
        responses=PortfolioSerializer,
    )
    def get(self, request):
        """Show what a bank has lent: exposure, classes, vintages, what is overdue."""
        banks = portfolio.banks_of(request.user)
        if asked := request.query_params.get("bank", ""):
            banks = banks.filter(pk=asked if asked.isdigit() else 0)
        found = portfolio.read_portfolio(bank=get_object_or_404(banks[:1]), now=timezone.now())
        return Response(PortfolioSerializer(found).data)
