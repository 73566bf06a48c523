from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.fields import find_organisation
from marketplace.api.idempotency import CreatingView
from marketplace.api.negotiation_serializers import (
    DisclosureSerializer,
    MessageInput,
    MessageSerializer,
    NegotiationInput,
    NegotiationSerializer,
    OfferInChain,
    OfferInput,
    OfferSerializer,
)
from marketplace.api.pages import Pages
from marketplace.models import Listing, Membership, Negotiation, Offer, Organisation
from marketplace.models.disclosure import disclosure_of
from marketplace.services import disclosures, negotiations, offer_terms, offers

OFFER_EXAMPLE = {
    "terms": {
        "window_start": "2026-12-01",
        "window_end": "2026-12-20",
        "incoterm": "delivered",
        "address": "浙江省台州市路桥区工业大道 8 号",
        "payment_term": "net",
        "payment_days": 30,
    },
    "lines": [{"description": "304 不锈钢法兰球阀 DN50 PN16", "quantity": "500", "unit": "只", "unit_price": "98.5"}],
    "valid_until": "2026-11-30T18:00:00+08:00",
}


def negotiation_of(request, pk) -> Negotiation:
    visible = Negotiation.objects.visible_to(request.user).with_turn(request.user).with_details()
    return get_object_or_404(visible, pk=pk)


def context_of(request) -> dict:
    own = set(Organisation.objects.of(request.user).values_list("pk", flat=True))
    return {"request": request, "own": own}


def acting_side(request, negotiation: Negotiation, said: str | None) -> Organisation:
    """Return the side for which the user acts: the one named, or the only one they trade for.

    :raises ValidationError: if it is not clear
    """
    sides = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).filter(
        pk__in=[negotiation.buyer_id, negotiation.seller_id]
    )
    found = find_organisation(sides, said) if said else sides.first()
    if found is None or (not said and sides.count() > 1):
        raise serializers.ValidationError({"organisation": [_("Say for which of your organisations.")]})
    return found


class NegotiationList(CreatingView, generics.ListAPIView):
    """The negotiations of the user's organisations."""

    queryset = Negotiation.objects.none()
    serializer_class = NegotiationSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = Negotiation.objects.of(self.request.user).with_turn(self.request.user).with_details()
        status, turn = self.request.query_params.get("status"), self.request.query_params.get("turn")
        if status:
            found = found.filter(status=status)
        if turn in ("ours", "theirs"):
            found = found.filter(is_our_turn=turn == "ours")
        return found.order_by("-updated_at", "-pk")

    @extend_schema(
        parameters=[
            OpenApiParameter("status", str, enum=Negotiation.Status.values),
            OpenApiParameter("turn", str, enum=["ours", "theirs"], description="Who is to answer."),
        ]
    )
    def get(self, request, *args, **kwargs):
        return self.list(request, *args, **kwargs)

    @extend_schema(
        operation_id="negotiations_create",
        request=NegotiationInput,
        responses={HTTPStatus.CREATED: NegotiationSerializer},
        examples=[OpenApiExample("About another's supply", value={"organisation": "12", "supply": 3, "demand": 5})],
    )
    def create(self, request):
        """Open a negotiation about a supply, a demand or both; the one that is open about them is given again."""
        serializer = NegotiationInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        organisation = _found(Organisation.objects.of(request.user), "organisation", said.get("organisation"))
        counterpart = _found(Organisation.objects.approved(), "counterpart", said.get("counterpart"))
        is_invitation = counterpart is not None
        opened = negotiations.open_negotiation(
            by=request.user,
            organisation=organisation,
            supply=_listing(request, "supply", said.get("supply")),
            demand=_listing(request, "demand", said.get("demand")),
            counterpart=counterpart,
            origin=Negotiation.Origin.INVITATION if is_invitation else Negotiation.Origin.BROWSE,
            now=timezone.now(),
        )
        shown = NegotiationSerializer(negotiation_of(request, opened.pk), context=context_of(request))
        return Response(shown.data, status=HTTPStatus.CREATED)


def _found(organisations, field: str, said: str | None) -> Organisation | None:
    if not said:
        return None
    found = find_organisation(organisations, said)
    if found is None:
        raise serializers.ValidationError({field: [_("There is no organisation of this id or code.")]})
    return found


def _listing(request, field: str, pk: int | None) -> Listing | None:
    if pk is None:
        return None
    visible = Listing.objects.visible_to(request.user, timezone.now()).with_names()
    found = visible.filter(pk=pk).first()
    if found is None:
        raise serializers.ValidationError({field: [_("There is no listing of this id.")]})
    return found


class NegotiationDetail(APIView):
    @extend_schema(responses=NegotiationSerializer)
    def get(self, request, pk):
        """Show a negotiation, with the reasons for which its pair was matched."""
        return Response(NegotiationSerializer(negotiation_of(request, pk), context=context_of(request)).data)


class NegotiationEnd(APIView):
    @extend_schema(request=None, responses=NegotiationSerializer)
    def post(self, request, pk):
        """Stop negotiating; what is open is declined or withdrawn."""
        negotiation = negotiation_of(request, pk)
        organisation = acting_side(request, negotiation, None)
        negotiations.end_negotiation(
            negotiation=negotiation, by=request.user, organisation=organisation, now=timezone.now()
        )
        return Response(NegotiationSerializer(negotiation_of(request, pk), context=context_of(request)).data)


def _shown_offers(negotiation: Negotiation, user):
    visible = negotiation.offers.visible_to(user).with_lines().select_related("made_by", "made_for__disclosure")
    return visible.prefetch_related("attachments__uploaded_by").order_by("number")


class OfferList(CreatingView):
    @extend_schema(operation_id="negotiation_offers_list", responses=OfferInChain(many=True))
    def get(self, request, pk):
        """List the offers of a negotiation, each with what it changes."""
        negotiation, before = negotiation_of(request, pk), None
        chain = list(_shown_offers(negotiation, request.user))
        for offer in chain:
            said = offer_terms.said_in(offer)
            offer.changes = offer_terms.difference(before, said) if before else None
            if offer.status not in (Offer.Status.AWAITING_APPROVAL, Offer.Status.REFUSED):
                before = said
        return Response(OfferInChain(chain, many=True, context=context_of(request)).data)

    @extend_schema(
        operation_id="negotiation_offers_create",
        request=OfferInput,
        responses={HTTPStatus.CREATED: OfferSerializer},
        examples=[OpenApiExample("Delivered, 30 days net", value=OFFER_EXAMPLE, request_only=True)],
    )
    def create(self, request, pk):
        """Make an offer or a counter-offer; above the user's limit it is ``awaiting_approval``."""
        negotiation = negotiation_of(request, pk)
        serializer = OfferInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        offer = offers.make_offer(
            negotiation=negotiation,
            by=request.user,
            organisation=acting_side(request, negotiation, said.pop("organisation", None)),
            now=timezone.now(),
            **said,
        )
        shown = _shown_offers(negotiation, request.user).get(pk=offer.pk)
        return Response(OfferSerializer(shown, context=context_of(request)).data, status=HTTPStatus.CREATED)


class DraftTerms(APIView):
    @extend_schema(responses={HTTPStatus.OK: dict})
    def get(self, request, pk):
        """Show sensible next terms: those of the last offer, or what the two listings say."""
        negotiation = negotiation_of(request, pk)
        organisation = acting_side(request, negotiation, request.query_params.get("organisation"))
        draft = offer_terms.draft_terms(negotiation=negotiation, organisation=organisation, now=timezone.now())
        terms = {**draft.terms, "park": draft.terms["park"] and draft.terms["park"].pk}
        return Response({"terms": terms, "lines": draft.lines, "valid_until": draft.valid_until})


class MessageList(CreatingView):
    @extend_schema(operation_id="negotiation_messages_list", responses=MessageSerializer(many=True))
    def get(self, request, pk):
        """List what was said, oldest first."""
        said = negotiation_of(request, pk).messages.select_related("organisation__disclosure")
        rows = said.prefetch_related("attachments__uploaded_by").order_by("created_at", "pk")
        return Response(MessageSerializer(rows, many=True, context=context_of(request)).data)

    @extend_schema(
        operation_id="negotiation_messages_create",
        request=MessageInput,
        responses={HTTPStatus.CREATED: MessageSerializer},
        examples=[OpenApiExample("About the price", value={"clause": "price", "text": "能否 95 元？"})],
    )
    def create(self, request, pk):
        """Say something about a clause, a line or the whole."""
        negotiation = negotiation_of(request, pk)
        serializer = MessageInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        about = said.pop("offer", None)
        offer = negotiation.offers.visible_to(request.user).filter(pk=about).first() if about else None
        if about and offer is None:
            raise serializers.ValidationError({"offer": [_("There is no such offer in this negotiation.")]})
        message = negotiations.say(
            negotiation=negotiation,
            by=request.user,
            organisation=acting_side(request, negotiation, said.pop("organisation", None)),
            offer=offer,
            now=timezone.now(),
            **said,
        )
        return Response(MessageSerializer(message, context=context_of(request)).data, status=HTTPStatus.CREATED)


class DisclosureDetail(APIView):
    def _organisation(self, request, pk) -> Organisation:
        owned = Organisation.objects.of(request.user, Membership.Role.OWNER)
        return get_object_or_404(owned.select_related("disclosure"), pk=pk)

    @extend_schema(responses=DisclosureSerializer)
    def get(self, request, pk):
        """Show from which stage others see an organisation's name, contact and documents (owners)."""
        return Response(self._shown(disclosure_of(self._organisation(request, pk))))

    @extend_schema(request=DisclosureSerializer, responses=DisclosureSerializer)
    def put(self, request, pk):
        """Choose from which stage others see what (owners)."""
        organisation = self._organisation(request, pk)
        serializer = DisclosureSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        before = disclosure_of(organisation)
        said = {name: getattr(before, name) for name in disclosures.FIELDS} | serializer.validated_data
        changed = disclosures.set_disclosure(organisation=organisation, by=request.user, now=timezone.now(), **said)
        return Response(self._shown(changed))

    def _shown(self, disclosure) -> dict:
        documents = list(disclosure.documents.order_by("pk").values_list("pk", flat=True)) if disclosure.pk else []
        stages = {name: getattr(disclosure, name) for name in disclosures.FIELDS}
        return stages | {"documents": documents, "is_lead": disclosure.is_lead}


urlpatterns = [
    path("negotiations/", NegotiationList.as_view(), name="api_negotiation_list"),
    path("negotiations/<int:pk>/", NegotiationDetail.as_view(), name="api_negotiation_detail"),
    path("negotiations/<int:pk>/end/", NegotiationEnd.as_view(), name="api_negotiation_end"),
    path("negotiations/<int:pk>/offers/", OfferList.as_view(), name="api_offer_list"),
    path("negotiations/<int:pk>/draft/", DraftTerms.as_view(), name="api_draft_terms"),
    path("negotiations/<int:pk>/messages/", MessageList.as_view(), name="api_message_list"),
    path("organisations/<int:pk>/disclosure/", DisclosureDetail.as_view(), name="api_disclosure_detail"),
]
