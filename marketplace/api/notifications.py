from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.models import Notification, Subscription
from marketplace.models.event import EVENTS
from marketplace.services import notifications


class NotificationSerializer(serializers.ModelSerializer):
    created_at = serializers.DateTimeField(source="requested_at", read_only=True)

    class Meta:
        model = Notification
        fields = (
            "id",
            "event",
            "organisation",
            "title_zh",
            "title_en",
            "body_zh",
            "body_en",
            "url",
            "data",
            "created_at",
            "read_at",
        )
        read_only_fields = fields


class NotificationFilter(filters.FilterSet):
    unread = filters.BooleanFilter(field_name="read_at", lookup_expr="isnull", label="only those not yet read")
    event = filters.ChoiceFilter(choices=[(name, event.label) for name, event in EVENTS.items()])

    class Meta:
        model = Notification
        fields = ("unread", "event")


class NotificationList(generics.ListAPIView):
    """What the user was told in the app, newest first."""

    queryset = Notification.objects.none()
    serializer_class = NotificationSerializer
    filterset_class = NotificationFilter

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Notification.objects.in_app_of(self.request.user).order_by("-requested_at", "pk")


class UnreadCount(APIView):
    """How many notifications the bell shows."""

    @extend_schema(responses=inline_serializer("UnreadCount", {"unread": serializers.IntegerField()}))
    def get(self, request):
        return Response({"unread": notifications.unread_count(user=request.user)})


class NotificationRead(APIView):
    """Mark one notification as read."""

    @extend_schema(request=None, responses=NotificationSerializer)
    def post(self, request, pk):
        notification = get_object_or_404(Notification.objects.in_app_of(request.user), pk=pk)
        notifications.mark_read(notification=notification, now=timezone.now())
        notification.refresh_from_db()
        return Response(NotificationSerializer(notification).data)


class NotificationReadAll(APIView):
    """Mark all notifications as read."""

    @extend_schema(
        operation_id="notifications_read_all",
        request=None,
        responses=inline_serializer("ReadCount", {"read": serializers.IntegerField()}),
    )
    def post(self, request):
        return Response({"read": notifications.mark_all_read(user=request.user, now=timezone.now())})


class SubscriptionSerializer(serializers.Serializer):
    event = serializers.ChoiceField(choices=list(EVENTS))
    channel = serializers.ChoiceField(choices=[channel.value for channel in Subscription.DEFAULTS])
    frequency = serializers.ChoiceField(choices=Subscription.Frequency.choices)


class SubscriptionList(APIView):
    """How often the user is told of each event on each channel, by choice or by default."""

    @extend_schema(operation_id="subscriptions_list", responses=SubscriptionSerializer(many=True))
    def get(self, request):
        choices = notifications.subscription_choices(user=request.user)
        return Response(SubscriptionSerializer(choices, many=True).data)

    @extend_schema(
        request=SubscriptionSerializer,
        responses=SubscriptionSerializer,
        examples=[
            OpenApiExample(
                "Matches once a day", value={"event": "match.created", "channel": "email", "frequency": "daily"}
            )
        ],
    )
    def put(self, request):
        serializer = SubscriptionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        subscription = notifications.set_subscription(
            user=request.user, now=timezone.now(), **serializer.validated_data
        )
        return Response(SubscriptionSerializer(subscription).data)


urlpatterns = [
    path("notifications/", NotificationList.as_view(), name="api_notification_list"),
    path("notifications/unread/", UnreadCount.as_view(), name="api_unread_count"),
    path("notifications/read/", NotificationReadAll.as_view(), name="api_notification_read_all"),
    path("notifications/<uuid:pk>/read/", NotificationRead.as_view(), name="api_notification_read"),
    path("subscriptions/", SubscriptionList.as_view(), name="api_subscription_list"),
]
