from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import generics
from rest_framework.response import Response
from rest_framework.views import APIView

from config.http import file_response
from marketplace.api.fields import checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.api.quote_serializers import (
    AwardInput,
    AwardSerializer,
    ComparisonSerializer,
    QuoteCreate,
    QuoteDifferenceSerializer,
    QuoteSerializer,
    ValidityInput,
)
from marketplace.api.rfq_serializers import RatesInput, RfqSerializer
from marketplace.api.rfqs import acting, attachable, own, shown
from marketplace.models import Award, Quote, RequestForQuotation
from marketplace.services import awards, comparison_sheets, comparisons, quote_drafts, quotes

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def readable_quote(request, pk) -> Quote:
    return get_object_or_404(Quote.objects.readable_by(request.user, timezone.now()).with_lines(), pk=pk)


def own_quote(request, pk) -> Quote:
    return get_object_or_404(Quote.objects.editable_by(request.user).with_names(), pk=pk)


def shown_quote(request, quote: Quote, status: int = HTTPStatus.OK) -> Response:
    row = Quote.objects.with_lines().get(pk=quote.pk)
    return Response(QuoteSerializer(row, context={"request": request}).data, status=status)


def bought(request, pk) -> RequestForQuotation:
    """Return a request whose quotes the user may compare: the buyer's people, and the platform operator."""
    rows = RequestForQuotation.objects.with_names()
    return get_object_or_404(rows if request.user.is_staff else rows.bought_by(request.user), pk=pk)


class QuoteList(generics.ListAPIView):
    """The quotes the user may read: the own ones, and those handed in to the user's requests that are not sealed."""

    queryset = Quote.objects.none()
    serializer_class = QuoteSerializer
    filterset_fields = ("rfq", "status", "supplier")
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Quote.objects.readable_by(self.request.user, timezone.now()).with_lines().order_by("-pk")


class RfqQuotes(CreatingView):
    @extend_schema(
        operation_id="rfqs_quotes_create",
        request=QuoteCreate,
        responses={HTTPStatus.CREATED: QuoteSerializer},
        examples=[
            OpenApiExample(
                "Handed in",
                value={
                    "organisation": "9133108300000000XX",
                    "lines": [{"line": 1, "quantity": 500, "unit_price": 98.5}, {"line": 2, "is_declined": True}],
                    "freight_amount": 1200,
                    "valid_until": "2026-04-30",
                    "submit": True,
                },
                request_only=True,
            )
        ],
    )
    def create(self, request, pk):
        """Keep a draft of a quote, or hand it in; what is not said stays as it was in the version before."""
        rfq = get_object_or_404(RequestForQuotation.objects.received_by(request.user).with_names(), pk=pk)
        said = checked(QuoteCreate, request)
        supplier = acting(request, said.pop("organisation"), *Quote.SUBMITTING_ROLES)
        act = quotes.submit_at_once if said.pop("submit") else quote_drafts.save_draft
        quote = act(
            rfq=rfq,
            supplier=supplier,
            by=request.user,
            lines=said.pop("lines", []),
            attachments=attachable(request, supplier, said.pop("attachments", [])),
            dropped=said.pop("dropped", []),
            fields=said,
            now=timezone.now(),
        )
        return shown_quote(request, quote, HTTPStatus.CREATED)


class QuoteDetail(APIView):
    @extend_schema(responses=QuoteSerializer)
    def get(self, request, pk):
        """Show one version of a quote."""
        return Response(QuoteSerializer(readable_quote(request, pk), context={"request": request}).data)


class QuoteDifferences(APIView):
    @extend_schema(responses=QuoteDifferenceSerializer(many=True))
    def get(self, request, pk):
        """Show what a version says differently from the one before it; nothing for the first."""
        quote = readable_quote(request, pk)
        versions = Quote.objects.readable_by(request.user, timezone.now()).filter(
            rfq=quote.rfq, supplier=quote.supplier
        )
        before = versions.filter(version__lt=quote.version).with_lines().order_by("-version").first()
        found = quotes.differences(before, quote) if before else []
        return Response(QuoteDifferenceSerializer(found, many=True).data)


class QuoteSubmit(APIView):
    @extend_schema(request=None, responses=QuoteSerializer)
    def post(self, request, pk):
        """Hand in a draft; it takes the place of the version before."""
        return shown_quote(
            request, quotes.submit_quote(quote=own_quote(request, pk), by=request.user, now=timezone.now())
        )


class QuoteWithdraw(APIView):
    @extend_schema(request=None, responses={HTTPStatus.OK: QuoteSerializer, HTTPStatus.NO_CONTENT: None})
    def post(self, request, pk):
        """Take back a quote before the deadline; a draft is thrown away."""
        quote = quotes.withdraw_quote(quote=own_quote(request, pk), by=request.user, now=timezone.now())
        return shown_quote(request, quote) if quote.pk else Response(status=HTTPStatus.NO_CONTENT)


class QuoteConfirm(APIView):
    @extend_schema(request=None, responses=QuoteSerializer)
    def post(self, request, pk):
        """Say that a quote stands after the buyer changed the request."""
        return shown_quote(
            request, quotes.confirm_quote(quote=own_quote(request, pk), by=request.user, now=timezone.now())
        )


class QuoteExtend(APIView):
    @extend_schema(request=ValidityInput, responses=QuoteSerializer)
    def post(self, request, pk):
        """Let a quote hold longer."""
        quote, said = own_quote(request, pk), checked(ValidityInput, request)
        return shown_quote(request, quotes.extend_validity(quote=quote, by=request.user, now=timezone.now(), **said))


class RfqComparison(APIView):
    @extend_schema(responses=ComparisonSerializer)
    def get(self, request, pk):
        """Compare all quotes: every line and quantity, landed, and the whole; 409 while they are sealed."""
        comparison = comparisons.compare_quotes(rfq=bought(request, pk), by=request.user, now=timezone.now())
        return Response(ComparisonSerializer(comparison, context={"request": request}).data)


class RfqComparisonSheet(APIView):
    @extend_schema(responses={(HTTPStatus.OK, XLSX): OpenApiTypes.BINARY})
    def get(self, request, pk):
        """Give the comparison as a workbook."""
        rfq = bought(request, pk)
        comparison = comparisons.compare_quotes(rfq=rfq, by=request.user, now=timezone.now())
        content = comparison_sheets.comparison_sheet(comparison)
        return file_response(content, name=f"{rfq.number}.xlsx", content_type=XLSX)


class RfqRates(APIView):
    @extend_schema(request=RatesInput, responses=RfqSerializer)
    def put(self, request, pk):
        """Say at which rates quotes in other currencies are compared."""
        rfq, said = own(request, pk), checked(RatesInput, request)
        return shown(request, comparisons.set_rates(rfq=rfq, by=request.user, now=timezone.now(), **said))


class RfqAwards(CreatingView):
    @extend_schema(responses=AwardSerializer(many=True))
    def get(self, request, pk):
        """Show what was awarded, and the orders that came of it."""
        found = bought(request, pk).awards.with_details().order_by("pk")
        return Response(AwardSerializer(found, many=True, context={"request": request}).data)

    @extend_schema(
        request=AwardInput,
        responses={HTTPStatus.CREATED: AwardSerializer(many=True)},
        examples=[
            OpenApiExample(
                "Two suppliers share the lines",
                value={
                    "picks": [{"quote": 7, "line": 1, "quantity": 500}, {"quote": 9, "line": 2, "quantity": 1000}],
                    "reason": "",
                    "closing_note": "价格偏高，欢迎下次参与",
                },
                request_only=True,
            )
        ],
    )
    def create(self, request, pk):
        """Award lines to suppliers: each gets a binding order, or waits for an approver above the user's limit."""
        made = awards.award_quotes(
            rfq=own(request, pk), by=request.user, now=timezone.now(), **checked(AwardInput, request)
        )
        return Response(AwardSerializer(made, many=True, context={"request": request}).data, status=HTTPStatus.CREATED)


class AwardVoid(APIView):
    @extend_schema(request=None, responses=AwardSerializer)
    def post(self, request, pk):
        """Call off an award that waits for an approver."""
        mine = RequestForQuotation.objects.editable_by(request.user)
        award = get_object_or_404(Award.objects.filter(rfq__in=mine).select_related("rfq"), pk=pk)
        award = awards.void_award(award=award, by=request.user, now=timezone.now())
        return Response(AwardSerializer(award, context={"request": request}).data)


urlpatterns = [
    path("quotes/", QuoteList.as_view(), name="api_quote_list"),
    path("rfqs/<int:pk>/quotes/", RfqQuotes.as_view(), name="api_rfq_quotes"),
    path("quotes/<int:pk>/", QuoteDetail.as_view(), name="api_quote_detail"),
    path("quotes/<int:pk>/differences/", QuoteDifferences.as_view(), name="api_quote_differences"),
    path("quotes/<int:pk>/submit/", QuoteSubmit.as_view(), name="api_quote_submit"),
    path("quotes/<int:pk>/withdraw/", QuoteWithdraw.as_view(), name="api_quote_withdraw"),
    path("quotes/<int:pk>/confirm/", QuoteConfirm.as_view(), name="api_quote_confirm"),
    path("quotes/<int:pk>/extend/", QuoteExtend.as_view(), name="api_quote_extend"),
    path("rfqs/<int:pk>/comparison/", RfqComparison.as_view(), name="api_rfq_comparison"),
    path("rfqs/<int:pk>/comparison/sheet/", RfqComparisonSheet.as_view(), name="api_rfq_comparison_sheet"),
    path("rfqs/<int:pk>/rates/", RfqRates.as_view(), name="api_rfq_rates"),
    path("rfqs/<int:pk>/awards/", RfqAwards.as_view(), name="api_rfq_awards"),
    path("awards/<int:pk>/void/", AwardVoid.as_view(), name="api_award_void"),
]
