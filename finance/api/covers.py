from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.api.cover_serializers import (
    CoverQuoteSerializer,
    CoverReasonInput,
    CoverRequestInput,
    GuaranteeSerializer,
    PartnershipInput,
    PartnershipSerializer,
    QuoteInput,
)
from finance.models import Application, CoverQuote, CreditLine, Guarantee, Partnership
from finance.services import cover_pages, covers, partnerships
from finance.services.covers import BANK_CHECKERS, BANK_MAKERS
from finance.services.partner_people import WRITING_ROLES
from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Organisation

STATUS = extend_schema_view(
    get=extend_schema(parameters=[OpenApiParameter("status", str, description="Only those of this status.")])
)


class StatusList(generics.ListAPIView):
    """A list that may be asked for one status."""

    pagination_class = Pages

    def visible(self):
        raise NotImplementedError

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found, asked = self.visible(), self.request.query_params.get("status")
        return found.filter(status=asked) if asked in self.queryset.model.Status.values else found


# Partnerships


def _partnership(pk) -> Response:
    return Response(PartnershipSerializer(Partnership.objects.with_names().get(pk=pk)).data)


@STATUS
class PartnershipList(CreatingView, StatusList):
    """The partnerships of the reader's banks, insurers and guarantors."""

    queryset = Partnership.objects.none()
    serializer_class = PartnershipSerializer

    def visible(self):
        return Partnership.objects.visible_to(self.request.user).with_names().order_by("-proposed_at", "-pk")

    @extend_schema(request=PartnershipInput, responses={HTTPStatus.CREATED: PartnershipSerializer})
    def create(self, request):
        """Propose a partnership as the bank's maker; another person of the bank signs it, then the partner."""
        said = dict(checked(PartnershipInput, request))
        sides = {"bank": said.pop("bank"), "partner": said.pop("partner")}
        made = partnerships.propose_partnership(said=said, by=request.user, now=timezone.now(), **sides)
        return Response(PartnershipSerializer(made).data, status=HTTPStatus.CREATED)


class PartnershipDetail(generics.RetrieveAPIView):
    """A partnership with its terms and signatures."""

    queryset = Partnership.objects.none()
    serializer_class = PartnershipSerializer

    def get_queryset(self):
        return Partnership.objects.visible_to(self.request.user).with_names()


class PartnershipAct(APIView):
    """What is done to a partnership; 409 where its status does not allow it."""

    def act(self, request, pk, service, **said):
        made = get_object_or_404(Partnership.objects.visible_to(request.user).with_names(), pk=pk)
        service(partnership=made, by=request.user, now=timezone.now(), **said)
        return _partnership(pk)


class PartnershipSignForBank(PartnershipAct):
    @extend_schema(request=None, responses=PartnershipSerializer)
    def post(self, request, pk):
        """Sign as the bank's second person."""
        return self.act(request, pk, partnerships.sign_for_bank)


class PartnershipSign(PartnershipAct):
    @extend_schema(request=None, responses=PartnershipSerializer)
    def post(self, request, pk):
        """Sign for the insurer or guarantor."""
        return self.act(request, pk, partnerships.sign_for_partner)


class PartnershipRefuse(PartnershipAct):
    @extend_schema(request=CoverReasonInput, responses=PartnershipSerializer)
    def post(self, request, pk):
        """Refuse what was proposed, with a reason."""
        return self.act(
            request, pk, partnerships.refuse_partnership, reason=checked(CoverReasonInput, request)["reason"]
        )


class PartnershipEnd(PartnershipAct):
    @extend_schema(request=CoverReasonInput, responses=PartnershipSerializer)
    def post(self, request, pk):
        """End it: nothing new is covered, what is covered stays so."""
        return self.act(request, pk, partnerships.end_partnership, reason=checked(CoverReasonInput, request)["reason"])


# Quotes


def _quote(pk) -> Response:
    return Response(CoverQuoteSerializer(CoverQuote.objects.with_names().get(pk=pk)).data)


@STATUS
class CoverQuoteList(CreatingView, StatusList):
    """The covers that the reader's banks asked for, and that the reader's insurers and guarantors were asked for."""

    queryset = CoverQuote.objects.none()
    serializer_class = CoverQuoteSerializer

    def visible(self):
        return CoverQuote.objects.visible_to(self.request.user).with_names().order_by("-requested_at", "-pk")

    @extend_schema(request=CoverRequestInput, responses={HTTPStatus.CREATED: CoverQuoteSerializer})
    def create(self, request):
        """Ask a partner to cover the credit of an application or of a line, as the bank's maker."""
        said = dict(checked(CoverRequestInput, request))
        partnership = get_object_or_404(
            Partnership.objects.of_bank(request.user, *BANK_MAKERS).with_names(), pk=said.pop("partnership")
        )
        target = {}
        if (pk := said.pop("application", None)) is not None:
            target["application"] = get_object_or_404(Application.objects.of_bank(request.user, *BANK_MAKERS), pk=pk)
        if (pk := said.pop("line", None)) is not None:
            lines = CreditLine.objects.filter(bank__in=Organisation.objects.of(request.user, *BANK_MAKERS))
            target["line"] = get_object_or_404(lines, pk=pk)
        quote = covers.request_cover(partnership=partnership, said=said, by=request.user, now=timezone.now(), **target)
        return Response(CoverQuoteSerializer(quote).data, status=HTTPStatus.CREATED)


class CoverQuoteDetail(generics.RetrieveAPIView):
    """A cover quote and where it is."""

    queryset = CoverQuote.objects.none()
    serializer_class = CoverQuoteSerializer

    def get_queryset(self):
        return CoverQuote.objects.visible_to(self.request.user).with_names()


class CoverQuoteDraft(APIView):
    @extend_schema(request=QuoteInput, responses=CoverQuoteSerializer)
    def post(self, request, pk):
        """Quote as the partner's maker; another person of the partner releases it."""
        quote = get_object_or_404(CoverQuote.objects.of_partner(request.user, *WRITING_ROLES).with_names(), pk=pk)
        covers.draft_quote(quote=quote, said=checked(QuoteInput, request), by=request.user, now=timezone.now())
        return _quote(pk)


class CoverQuoteAct(APIView):
    """What is done to a quote; 409 where its status does not allow it."""

    def act(self, request, pk, service, **said):
        quote = get_object_or_404(CoverQuote.objects.visible_to(request.user).with_names(), pk=pk)
        service(quote=quote, by=request.user, now=timezone.now(), **said)
        return _quote(pk)


class CoverQuoteRelease(CoverQuoteAct):
    @extend_schema(request=None, responses=CoverQuoteSerializer)
    def post(self, request, pk):
        """Release the quote to the bank as the partner's second person."""
        return self.act(request, pk, covers.release_quote)


class CoverQuoteReturn(CoverQuoteAct):
    @extend_schema(request=CoverReasonInput, responses=CoverQuoteSerializer)
    def post(self, request, pk):
        """Send the draft back to whoever quoted."""
        return self.act(request, pk, covers.return_quote, reason=checked(CoverReasonInput, request)["reason"])


class CoverQuoteDecline(CoverQuoteAct):
    @extend_schema(request=CoverReasonInput, responses=CoverQuoteSerializer)
    def post(self, request, pk):
        """Decline to cover, with a reason."""
        return self.act(request, pk, covers.decline_quote, reason=checked(CoverReasonInput, request)["reason"])


class CoverQuoteAccept(CoverQuoteAct):
    @extend_schema(request=None, responses=CoverQuoteSerializer)
    def post(self, request, pk):
        """Accept the quote as the bank's second person: it becomes a guarantee."""
        return self.act(request, pk, covers.accept_quote)


class CoverQuoteRefuse(CoverQuoteAct):
    @extend_schema(request=CoverReasonInput, responses=CoverQuoteSerializer)
    def post(self, request, pk):
        """Refuse the quote, with a reason."""
        return self.act(request, pk, covers.refuse_quote, reason=checked(CoverReasonInput, request)["reason"])


class CoverQuoteWithdraw(CoverQuoteAct):
    @extend_schema(request=CoverReasonInput, responses=CoverQuoteSerializer)
    def post(self, request, pk):
        """Withdraw the bank's request, with a reason."""
        return self.act(request, pk, covers.withdraw_request, reason=checked(CoverReasonInput, request)["reason"])


# Guarantees


def _guarantees(user):
    return cover_pages.with_exposure(Guarantee.objects.visible_to(user).with_names())


@STATUS
class GuaranteeList(StatusList):
    """The guarantees that the reader's banks hold and the reader's insurers and guarantors gave, with exposures."""

    queryset = Guarantee.objects.none()
    serializer_class = GuaranteeSerializer

    def visible(self):
        return _guarantees(self.request.user).order_by("-promised_at", "-pk")


class GuaranteeDetail(generics.RetrieveAPIView):
    """A guarantee with what is owed under it."""

    queryset = Guarantee.objects.none()
    serializer_class = GuaranteeSerializer

    def get_queryset(self):
        return _guarantees(self.request.user)


class GuaranteeRelease(APIView):
    @extend_schema(request=CoverReasonInput, responses=GuaranteeSerializer)
    def post(self, request, pk):
        """Let the partner go, as the bank's second person."""
        mine = Guarantee.objects.of_bank(request.user, *BANK_CHECKERS).with_names()
        guarantee, reason = get_object_or_404(mine, pk=pk), checked(CoverReasonInput, request)["reason"]
        covers.release_guarantee(guarantee=guarantee, reason=reason, by=request.user, now=timezone.now())
        return Response(GuaranteeSerializer(_guarantees(request.user).get(pk=pk)).data)
