"""Credit vouchers by API: issue, present and revoke for the firm, check for the bank."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import CreditAssessment, CreditVoucher, VoucherCheck
from finance.models.consent import READERS
from finance.services import voucher_checks, vouchers
from finance.verify_voucher import digest
from finance.vouchers.sd_jwt import read_disclosure
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Membership, Organisation


class VoucherDisclosureSerializer(serializers.Serializer):
    id = serializers.CharField(help_text="Digest by which it is chosen.")
    name = serializers.CharField()
    value = serializers.JSONField()


class VoucherSerializer(serializers.ModelSerializer):
    subject = OrganisationBrief()
    bank = OrganisationBrief()
    disclosures = serializers.SerializerMethodField()

    class Meta:
        model = CreditVoucher
        fields = (
            "id",
            "number",
            "subject",
            "bank",
            "assessment",
            "sha256",
            "leaf",
            "issued_at",
            "expires_at",
            "revoked_at",
            "revoke_reason",
            "disclosures",
        )
        read_only_fields = fields

    @extend_schema_field(VoucherDisclosureSerializer(many=True))
    def get_disclosures(self, voucher):
        read = ((digest(one), read_disclosure(one)) for one in voucher.disclosures)
        return [{"id": known_by, "name": one.name or "customers", "value": one.value} for known_by, one in read]


class VoucherInput(serializers.Serializer):
    assessment = serializers.PrimaryKeyRelatedField(queryset=CreditAssessment.objects.none())
    bank = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.filter(kind__in=READERS))
    valid_days = serializers.IntegerField(required=False, default=CreditVoucher.VALID_DAYS)

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            owned = Organisation.objects.of(self.context["request"].user, Membership.Role.OWNER)
            mine = CreditAssessment.objects.filter(organisation__in=owned)
            fields["assessment"].queryset = mine.select_related("organisation", "scorecard")
        return fields


class VoucherPresentInput(serializers.Serializer):
    shown = serializers.ListField(child=serializers.CharField(), help_text="Ids of the disclosures to show.")
    nonce = serializers.CharField(required=False, allow_blank=True, help_text="The code that the bank asked for.")
    record_count = serializers.IntegerField(required=False, default=0)


class VoucherPresentedSerializer(serializers.Serializer):
    nonce = serializers.CharField()
    sha256 = serializers.CharField()
    file = serializers.CharField(help_text="The bundle: save it as it is, and check it with verify_voucher.py.")


class VoucherRevokeInput(serializers.Serializer):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class VoucherCheckInput(serializers.Serializer):
    bank = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    file = serializers.CharField(help_text="The text of the bundle.", trim_whitespace=False)
    nonce = serializers.CharField(required=False, allow_blank=True, default="")

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            mine = Organisation.objects.of(self.context["request"].user, *voucher_checks.CHECKING_ROLES)
            fields["bank"].queryset = mine.filter(kind__in=READERS)
        return fields


class VoucherFindingSerializer(serializers.Serializer):
    code = serializers.CharField()
    zh = serializers.CharField()
    en = serializers.CharField()


class VoucherCheckSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    findings = VoucherFindingSerializer(many=True)

    class Meta:
        model = VoucherCheck
        fields = ("id", "bank", "at", "sha256", "is_good", "number", "nonce", "claims", "findings")
        read_only_fields = fields


class StatusListSerializer(serializers.Serializer):
    status_list = serializers.CharField(help_text="A signed Token Status List: bit 1 is revoked.")


class VoucherList(CreatingView, generics.ListAPIView):
    """The vouchers of the reader's firms."""

    queryset = CreditVoucher.objects.none()
    serializer_class = VoucherSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return CreditVoucher.objects.visible_to(self.request.user).with_names().order_by("-issued_at", "-pk")

    @extend_schema(request=VoucherInput, responses={HTTPStatus.CREATED: VoucherSerializer})
    def create(self, request):
        """Issue a voucher of an assessment for one bank; for the firm's owner."""
        made = vouchers.issue_voucher(**checked(VoucherInput, request), by=request.user, now=timezone.now())
        return Response(VoucherSerializer(made).data, status=HTTPStatus.CREATED)


class VoucherDetail(generics.RetrieveAPIView):
    """A voucher, and what it could disclose."""

    queryset = CreditVoucher.objects.none()
    serializer_class = VoucherSerializer

    def get_queryset(self):
        return CreditVoucher.objects.visible_to(self.request.user).with_names()


class VoucherPresent(CreatingView):
    @extend_schema(request=VoucherPresentInput, responses={HTTPStatus.CREATED: VoucherPresentedSerializer})
    def create(self, request, pk):
        """Make the file for the bank, with what the firm chose to show."""
        voucher = get_object_or_404(CreditVoucher.objects.owned_by(request.user), pk=pk)
        said = checked(VoucherPresentInput, request)
        made = vouchers.present_voucher(voucher=voucher, **said, by=request.user, now=timezone.now())
        shown = {"nonce": made.nonce, "sha256": made.sha256, "file": made.text}
        return Response(shown, status=HTTPStatus.CREATED)


class VoucherRevoke(APIView):
    @extend_schema(request=VoucherRevokeInput, responses=VoucherSerializer)
    def post(self, request, pk):
        """Revoke a voucher: every status list from now on says so."""
        found = CreditVoucher.objects.owned_by(request.user).with_names()
        voucher = get_object_or_404(found, pk=pk)
        said = checked(VoucherRevokeInput, request)
        vouchers.revoke_voucher(voucher=voucher, **said, by=request.user, now=timezone.now())
        return Response(VoucherSerializer(found.get(pk=pk)).data)


class VoucherCheckList(CreatingView, generics.ListAPIView):
    """What the reader's banks had checked."""

    queryset = VoucherCheck.objects.none()
    serializer_class = VoucherCheckSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found = VoucherCheck.objects.visible_to(self.request.user).select_related("bank")
        return found.order_by("-at", "-pk")

    @extend_schema(request=VoucherCheckInput, responses={HTTPStatus.CREATED: VoucherCheckSerializer})
    def create(self, request):
        """Check the file of a voucher for a bank; ``is_good`` says whether all holds."""
        said = checked(VoucherCheckInput, request)
        told = {"bank": said["bank"], "text": said["file"], "nonce": said["nonce"]}
        made = voucher_checks.check_voucher(**told, by=request.user, now=timezone.now())
        return Response(VoucherCheckSerializer(made).data, status=HTTPStatus.CREATED)


class StatusListDetail(APIView):
    permission_classes = [permissions.AllowAny]

    @extend_schema(responses=StatusListSerializer)
    def get(self, request):
        """Show which vouchers are revoked: a bit each, that only who holds a voucher can tell."""
        return Response({"status_list": vouchers.status_list(now=timezone.now())})
