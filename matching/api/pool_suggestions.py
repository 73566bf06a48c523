from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from matching.models import PoolSuggestion, PoolSuggestionMember
from matching.services import pool_suggestions


class OwnDemandSerializer(serializers.ModelSerializer):
    """A demand of the reader's in a suggested pool."""

    quantity = serializers.FloatField()
    saving = serializers.FloatField(allow_null=True, help_text="Null where nobody sells so little alone.")

    class Meta:
        model = PoolSuggestionMember
        fields = ("demand", "quantity", "saving")


class PoolSuggestionSerializer(serializers.Serializer):
    """Demands of one grade that reach a price break together; who the others are is shown when they join."""

    id = serializers.IntegerField(source="suggestion.pk")
    status = serializers.ChoiceField(PoolSuggestion.Status.choices, source="suggestion.status")
    category = serializers.CharField(source="suggestion.category.code")
    unit = serializers.CharField(source="suggestion.unit")
    total = serializers.FloatField(source="suggestion.total")
    minimum = serializers.FloatField(source="suggestion.minimum")
    unit_price = serializers.FloatField(source="suggestion.unit_price")
    base_price = serializers.FloatField(source="suggestion.base_price", allow_null=True)
    window_start = serializers.DateField(source="suggestion.window_start")
    window_end = serializers.DateField(source="suggestion.window_end")
    found_at = serializers.DateTimeField(source="suggestion.found_at")
    pool = serializers.IntegerField(source="suggestion.pool_id", allow_null=True)
    own = OwnDemandSerializer(many=True)
    other_count = serializers.IntegerField()
    may_act = serializers.BooleanField()


class StartedSerializer(serializers.Serializer):
    pool = serializers.IntegerField(help_text="Of the collective purchase that was opened.")


class PoolSuggestionList(generics.ListAPIView):
    """The collective purchases that the matcher found for the reader's demands."""

    queryset = PoolSuggestion.objects.none()
    serializer_class = PoolSuggestionSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return PoolSuggestion.objects.visible_to(self.request.user).with_details().order_by("-found_at", "-pk")

    def paginate_queryset(self, queryset):
        return pool_suggestions.shown_to(self.request.user, super().paginate_queryset(queryset))


class PoolSuggestionStart(CreatingView):
    @extend_schema(request=None, responses={HTTPStatus.CREATED: StartedSerializer})
    def create(self, request, pk):
        """Open the collective purchase and invite the others; 409 if it was started or is out of date."""
        suggestion = get_object_or_404(PoolSuggestion.objects.made_to(request.user), pk=pk)
        pool = pool_suggestions.start_pool(suggestion=suggestion, by=request.user, now=timezone.now())
        return Response({"pool": pool.pk}, status=HTTPStatus.CREATED)


class PoolSuggestionDecline(APIView):
    @extend_schema(request=None, responses={HTTPStatus.NO_CONTENT: None})
    def post(self, request, pk):
        """Leave it; who is left keeps it while they reach the break."""
        suggestion = get_object_or_404(PoolSuggestion.objects.made_to(request.user), pk=pk)
        pool_suggestions.decline_pool(suggestion=suggestion, by=request.user, now=timezone.now())
        return Response(status=HTTPStatus.NO_CONTENT)
