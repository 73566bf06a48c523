from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from marketplace.api.idempotency import CreatingView
from marketplace.models import Listing
from matching import services
from matching.retrieval.changes import plain


class ChangeSerializer(serializers.Serializer):
    field = serializers.CharField(help_text="A field of the listing; an attribute as attributes.NAME.")
    now = serializers.JSONField(allow_null=True)
    then = serializers.JSONField(allow_null=True)
    zh = serializers.CharField()
    en = serializers.CharField()


class SuggestionSerializer(serializers.Serializer):
    """Changes to be made together, and the listings that would then match: each was tried."""

    key = serializers.CharField(help_text="Send it back to have the changes made.")
    changes = ChangeSerializer(many=True)
    matches = serializers.IntegerField()
    listings = serializers.ListField(child=serializers.IntegerField())
    quantity = serializers.FloatField(
        help_text="What those listings trade, in your listing's unit, as far as they say."
    )
    unit = serializers.CharField()
    is_applicable = serializers.BooleanField(
        help_text="Whether an edit is enough; a certificate has to be held, another variant is another listing."
    )


class AdviceSerializer(serializers.Serializer):
    results = SuggestionSerializer(many=True)


class SuggestionInput(serializers.Serializer):
    suggestion = serializers.CharField(max_length=500)


class AppliedSerializer(serializers.Serializer):
    listing = serializers.IntegerField()
    revision = serializers.IntegerField()


class ListingAdvice(CreatingView):
    """The nearest changes of one of your listings that would make matches."""

    @extend_schema(operation_id="listing_advice_list", responses=AdviceSerializer)
    def get(self, request, listing_id):
        listing = get_object_or_404(Listing.objects.of(request.user), pk=listing_id)
        found = services.suggest_changes(listing=listing, user=request.user, now=timezone.now())
        return Response(AdviceSerializer({"results": [_plain(one, listing) for one in found]}).data)

    @extend_schema(operation_id="listing_advice_apply", request=SuggestionInput, responses=AppliedSerializer)
    def create(self, request, listing_id):
        """Make the changes of a suggestion; matches are looked for again by themselves."""
        listing = get_object_or_404(Listing.objects.editable_by(request.user).with_names(), pk=listing_id)
        said = SuggestionInput(data=request.data)
        said.is_valid(raise_exception=True)
        changed = services.apply_suggestion(
            listing=listing, key=said.validated_data["suggestion"], by=request.user, now=timezone.now()
        )
        return Response({"listing": changed.pk, "revision": changed.revision}, status=HTTPStatus.OK)


def _plain(suggestion, listing):
    changes = [
        {"field": change.field, "now": plain(change.now), "then": plain(change.then), **texts}
        for change, texts in zip(suggestion.changes, suggestion.texts, strict=True)
    ]
    return {
        "key": suggestion.key,
        "changes": changes,
        "matches": len(suggestion.found),
        "listings": [one.listing.pk for one in suggestion.found],
        "quantity": suggestion.quantity,
        "unit": listing.unit,
        "is_applicable": suggestion.is_applicable,
    }
