from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import Consent, DataGroup, Purpose, RecordRead
from finance.models.consent import READERS
from finance.services import consents
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Membership, Organisation


class ConsentSerializer(serializers.ModelSerializer):
    firm = OrganisationBrief()
    reader = OrganisationBrief()

    class Meta:
        model = Consent
        fields = (
            "id",
            "number",
            "firm",
            "reader",
            "purpose",
            "groups",
            "valid_from",
            "valid_until",
            "given_at",
            "withdrawn_at",
            "receipt",
            "sha256",
        )
        read_only_fields = fields


class ConsentInput(serializers.Serializer):
    firm = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    reader = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.filter(kind__in=READERS))
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    groups = serializers.MultipleChoiceField(choices=DataGroup.choices)
    valid_until = serializers.DateTimeField()

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            fields["firm"].queryset = Organisation.objects.of(self.context["request"].user, Membership.Role.OWNER)
        return fields


class ReadSerializer(serializers.ModelSerializer):
    firm = OrganisationBrief()
    reader = OrganisationBrief()
    by = serializers.CharField(source="by.username")
    consent = serializers.CharField(source="consent.number")

    class Meta:
        model = RecordRead
        fields = ("id", "consent", "firm", "reader", "by", "purpose", "group", "subject", "rows", "at")
        read_only_fields = fields


class ConsentList(CreatingView, generics.ListAPIView):
    """What the reader's organisations gave or were given."""

    queryset = Consent.objects.none()
    serializer_class = ConsentSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Consent.objects.visible_to(self.request.user).with_names().order_by("-given_at", "-pk")

    @extend_schema(request=ConsentInput, responses={HTTPStatus.CREATED: ConsentSerializer})
    def create(self, request):
        """Let a bank, insurer or guarantor read groups of a firm's data for a purpose and a period."""
        said = checked(ConsentInput, request)
        consent = consents.give_consent(**said, by=request.user, now=timezone.now())
        return Response(ConsentSerializer(consent).data, status=HTTPStatus.CREATED)


class ConsentDetail(generics.RetrieveAPIView):
    """A consent with its receipt."""

    queryset = Consent.objects.none()
    serializer_class = ConsentSerializer

    def get_queryset(self):
        return Consent.objects.visible_to(self.request.user).with_names()


class ConsentWithdraw(APIView):
    @extend_schema(request=None, responses=ConsentSerializer)
    def post(self, request, pk):
        """Let the reader see nothing more under this consent."""
        found = Consent.objects.visible_to(request.user).with_names()
        consents.withdraw_consent(consent=get_object_or_404(found, pk=pk), by=request.user, now=timezone.now())
        return Response(ConsentSerializer(found.get(pk=pk)).data)


class ReadList(generics.ListAPIView):
    """Who looked at the data of the reader's firms, and what the reader's banks looked at."""

    queryset = RecordRead.objects.none()
    serializer_class = ReadSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return RecordRead.objects.visible_to(self.request.user).with_names().order_by("-at", "-pk")
