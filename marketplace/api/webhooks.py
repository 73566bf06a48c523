from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.api.idempotency import CreatingView
from marketplace.models import Membership, Notification, Organisation, WebhookAttempt, WebhookEndpoint
from marketplace.models.event import EVENTS
from marketplace.services import webhooks

EVENT_NAMES = [name for name, event in EVENTS.items() if event.is_for_endpoints]


class EndpointSerializer(serializers.ModelSerializer):
    events = serializers.ListField(child=serializers.CharField(), help_text="Empty: all events.")

    class Meta:
        model = WebhookEndpoint
        fields = (
            "id",
            "organisation",
            "kind",
            "url",
            "keyword",
            "events",
            "created_at",
            "failures_in_a_row",
            "retry_at",
            "disabled_at",
            "disabled_reason",
        )
        read_only_fields = fields


class NewEndpointSerializer(EndpointSerializer):
    """An endpoint with the secret that is shown this once."""

    class Meta(EndpointSerializer.Meta):
        fields = (*EndpointSerializer.Meta.fields, "secret")
        read_only_fields = fields


class OwnedOrganisationField(serializers.PrimaryKeyRelatedField):
    queryset = Organisation.objects.all()

    def get_queryset(self):
        return Organisation.objects.of(self.context["request"].user, Membership.Role.OWNER)


class AddEndpointSerializer(serializers.Serializer):
    organisation = OwnedOrganisationField()
    url = serializers.CharField(max_length=500)
    kind = serializers.ChoiceField(choices=WebhookEndpoint.Kind.choices, default=WebhookEndpoint.Kind.WEBHOOK)
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENT_NAMES), default=list)
    secret = serializers.CharField(
        max_length=100, default="", allow_blank=True, help_text="Of a DingTalk robot that asks for a signature."
    )
    keyword = serializers.CharField(
        max_length=40, default="", allow_blank=True, help_text="Of a robot that asks for one."
    )


class ChangeEndpointSerializer(serializers.Serializer):
    url = serializers.CharField(max_length=500, required=False)
    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENT_NAMES), required=False)


class AttemptSerializer(serializers.ModelSerializer):
    class Meta:
        model = WebhookAttempt
        fields = ("at", "status_code", "error", "duration_ms")
        read_only_fields = fields


class DeliverySerializer(serializers.ModelSerializer):
    webhook_id = serializers.CharField(source="message_id", read_only=True)
    created_at = serializers.DateTimeField(source="requested_at", read_only=True)
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Notification
        fields = (
            "id",
            "webhook_id",
            "event",
            "status",
            "created_at",
            "due_at",
            "finished_at",
            "failure",
            "attempts",
        )
        read_only_fields = fields


class EndpointList(CreatingView, generics.ListAPIView):
    """The addresses that the user's organisations are told at (owners only)."""

    queryset = WebhookEndpoint.objects.none()
    serializer_class = EndpointSerializer
    filterset_fields = ("organisation", "kind")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return WebhookEndpoint.objects.editable_by(self.request.user).order_by("pk")

    @extend_schema(
        request=AddEndpointSerializer,
        responses={HTTPStatus.CREATED: NewEndpointSerializer},
        examples=[
            OpenApiExample(
                "Told of matches",
                value={"organisation": 1, "url": "https://erp.example.com/hook", "events": ["match.created"]},
                request_only=True,
            )
        ],
    )
    def create(self, request):
        """Add an address; its secret is in this answer and in no other."""
        serializer = AddEndpointSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        endpoint = webhooks.add_endpoint(by=request.user, now=timezone.now(), **serializer.validated_data)
        return Response(NewEndpointSerializer(endpoint).data, status=HTTPStatus.CREATED)


def _endpoint(request, pk) -> WebhookEndpoint:
    return get_object_or_404(WebhookEndpoint.objects.editable_by(request.user), pk=pk)


class EndpointDetail(APIView):
    """One address."""

    @extend_schema(responses=EndpointSerializer)
    def get(self, request, pk):
        return Response(EndpointSerializer(_endpoint(request, pk)).data)

    @extend_schema(request=ChangeEndpointSerializer, responses=EndpointSerializer)
    def patch(self, request, pk):
        endpoint = _endpoint(request, pk)
        serializer = ChangeEndpointSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        changed = webhooks.change_endpoint(endpoint=endpoint, by=request.user, **serializer.validated_data)
        return Response(EndpointSerializer(changed).data)

    @extend_schema(responses={HTTPStatus.NO_CONTENT: None})
    def delete(self, request, pk):
        webhooks.remove_endpoint(endpoint=_endpoint(request, pk), by=request.user)
        return Response(status=HTTPStatus.NO_CONTENT)


class EndpointRotateSecret(APIView):
    """Make a new secret; the old one signs as well for a day."""

    @extend_schema(request=None, responses=inline_serializer("Secret", {"secret": serializers.CharField()}))
    def post(self, request, pk):
        secret = webhooks.rotate_secret(endpoint=_endpoint(request, pk), by=request.user, now=timezone.now())
        return Response({"secret": secret})


class EndpointEnable(APIView):
    """Send to an address again that was switched off because it failed."""

    @extend_schema(request=None, responses=EndpointSerializer)
    def post(self, request, pk):
        endpoint = _endpoint(request, pk)
        webhooks.enable_endpoint(endpoint=endpoint, by=request.user)
        endpoint.refresh_from_db()
        return Response(EndpointSerializer(endpoint).data)


class EndpointTest(CreatingView):
    """Send a message of type ``webhook.tested``."""

    @extend_schema(request=None, responses={HTTPStatus.ACCEPTED: DeliverySerializer})
    def create(self, request, pk):
        sent = webhooks.send_test(endpoint=_endpoint(request, pk), by=request.user, now=timezone.now())
        return Response(DeliverySerializer(sent).data, status=HTTPStatus.ACCEPTED)


class DeliveryList(generics.ListAPIView):
    """What was sent to an address, newest first, with every try."""

    queryset = Notification.objects.none()
    serializer_class = DeliverySerializer
    filterset_fields = ("status", "event")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        endpoint = _endpoint(self.request, self.kwargs["pk"])
        return Notification.objects.delivery_log(endpoint)


class DeliverySendAgain(APIView):
    """Send a finished message once more, under its old ``webhook-id``."""

    @extend_schema(request=None, responses={HTTPStatus.ACCEPTED: DeliverySerializer})
    def post(self, request, pk):
        sent = get_object_or_404(Notification.objects.to_endpoints_of(request.user), pk=pk)
        webhooks.send_again(notification=sent, by=request.user, now=timezone.now())
        sent.refresh_from_db()
        return Response(DeliverySerializer(sent).data, status=HTTPStatus.ACCEPTED)


urlpatterns = [
    path("webhook-endpoints/", EndpointList.as_view(), name="api_endpoint_list"),
    path("webhook-endpoints/<int:pk>/", EndpointDetail.as_view(), name="api_endpoint_detail"),
    path("webhook-endpoints/<int:pk>/secret/", EndpointRotateSecret.as_view(), name="api_endpoint_rotate_secret"),
    path("webhook-endpoints/<int:pk>/enable/", EndpointEnable.as_view(), name="api_endpoint_enable"),
    path("webhook-endpoints/<int:pk>/test/", EndpointTest.as_view(), name="api_endpoint_test"),
    path("webhook-endpoints/<int:pk>/deliveries/", DeliveryList.as_view(), name="api_delivery_list"),
    path("webhook-deliveries/<uuid:pk>/again/", DeliverySendAgain.as_view(), name="api_delivery_send_again"),
]
