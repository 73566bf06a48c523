from http import HTTPStatus

import django_filters
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import get_language
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from config.http import file_response
from marketplace.api.fields import NumberField
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Order, Receipt, ReceiptLine, ReceiptSignature, Shipment, User
from marketplace.services import receipt_papers, receipts, signing_codes
from marketplace.services.receipt_lines import is_intact


class ReceiptLineSerializer(serializers.ModelSerializer):
    lot_number = serializers.CharField(source="lot.number")
    unit = serializers.CharField(source="lot.unit")
    received_quantity = NumberField()
    accepted_quantity = NumberField()
    short_quantity = NumberField()
    rejected_quantity = NumberField()

    class Meta:
        model = ReceiptLine
        fields = (
            "lot",
            "lot_number",
            "unit",
            "received_quantity",
            "accepted_quantity",
            "short_quantity",
            "rejected_quantity",
            "is_replaced",
        )
        read_only_fields = fields


class SignatureSerializer(serializers.ModelSerializer):
    class Meta:
        model = ReceiptSignature
        fields = ("side", "method", "name", "contact", "at")
        read_only_fields = fields


class ReceiptSerializer(serializers.ModelSerializer):
    order_number = serializers.CharField(source="order.number")
    shipment_number = serializers.CharField(source="shipment.number")
    lines = ReceiptLineSerializer(many=True)
    signatures = SignatureSerializer(many=True)
    verify_url = serializers.SerializerMethodField()

    class Meta:
        model = Receipt
        fields = (
            "id",
            "number",
            "order",
            "order_number",
            "shipment",
            "shipment_number",
            "status",
            "receiver_name",
            "note",
            "sha256",
            "verify_url",
            "lines",
            "signatures",
            "issued_at",
            "signed_at",
        )
        read_only_fields = fields

    def get_verify_url(self, receipt) -> str:
        return receipt_papers.verify_address(receipt)


class ReceiptLineInput(serializers.Serializer):
    lot = serializers.IntegerField()
    accepted = serializers.CharField(max_length=40, required=False, allow_blank=True)
    short = serializers.CharField(max_length=40, required=False, allow_blank=True)
    rejected = serializers.CharField(max_length=40, required=False, allow_blank=True)
    is_replaced = serializers.BooleanField(required=False)


class ReceiptInput(serializers.Serializer):
    shipment = serializers.PrimaryKeyRelatedField(queryset=Shipment.objects.none())
    order = serializers.PrimaryKeyRelatedField(queryset=Order.objects.all())
    lines = ReceiptLineInput(many=True)
    receiver = serializers.SlugRelatedField(
        slug_field="username",
        queryset=User.objects.filter(is_active=True),
        required=False,
        allow_null=True,
        help_text="User name of who signs for the buyer.",
    )
    receiver_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    note = serializers.CharField(max_length=1000, required=False, allow_blank=True)

    def get_fields(self):
        fields = super().get_fields()
        user = getattr(self.context.get("request"), "user", None)
        if user is not None and user.is_authenticated:
            seen = Shipment.objects.visible_to(user)
            fields["shipment"].queryset = seen
            fields["order"].queryset = Order.objects.filter(lines__lots__shipment__in=seen).distinct()
        return fields


class ReceiptFilter(filters.FilterSet):
    order = django_filters.NumberFilter(field_name="order_id")
    shipment = django_filters.NumberFilter(field_name="shipment_id")
    status = django_filters.ChoiceFilter(choices=Receipt.Status.choices)

    class Meta:
        model = Receipt
        fields = ("order", "shipment", "status")


def _shown(request, pk, status=HTTPStatus.OK):
    receipt = Receipt.objects.visible_to(request.user).with_details().get(pk=pk)
    return Response(ReceiptSerializer(receipt).data, status=status)


class ReceiptList(CreatingView, generics.ListAPIView):
    """Receipts of the user's orders, and of shipments through the parks where the user works."""

    serializer_class = ReceiptSerializer
    pagination_class = Pages
    filter_backends = [filters.DjangoFilterBackend]
    filterset_class = ReceiptFilter
    queryset = Receipt.objects.none()

    def get_queryset(self):
        return Receipt.objects.visible_to(self.request.user).with_details().order_by("-pk")

    @extend_schema(
        request=ReceiptInput,
        responses={HTTPStatus.CREATED: ReceiptSerializer},
        examples=[
            OpenApiExample(
                "A little is missing",
                value={
                    "shipment": 9,
                    "order": 4,
                    "lines": [{"lot": 5, "accepted": "39.6", "short": "0.4"}],
                    "receiver_name": "王师傅",
                },
                request_only=True,
            )
        ],
    )
    def create(self, request):
        """Write what came of a shipment for one order, for both sides to sign."""
        serializer = ReceiptInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        receipt = receipts.issue_receipt(by=request.user, now=timezone.now(), **serializer.validated_data)
        return _shown(request, receipt.pk, HTTPStatus.CREATED)


class ReceiptDetail(APIView):
    @extend_schema(responses=ReceiptSerializer)
    def get(self, request, pk):
        """Show one receipt."""
        visible = Receipt.objects.visible_to(request.user).with_details()
        return Response(ReceiptSerializer(get_object_or_404(visible, pk=pk)).data)


class SignInput(serializers.Serializer):
    side = serializers.ChoiceField(
        choices=ReceiptSignature.Side.choices, required=False, help_text="For who trades for both."
    )


class ReceiptSign(APIView):
    @extend_schema(request=SignInput, responses=ReceiptSerializer)
    def post(self, request, pk):
        """Sign with the user's account; the second signature receives the goods."""
        receipt = get_object_or_404(Receipt.objects.visible_to(request.user), pk=pk)
        serializer = SignInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        receipts.sign_receipt(receipt=receipt, by=request.user, now=timezone.now(), **serializer.validated_data)
        return _shown(request, pk)


class ReceiptWithdraw(APIView):
    @extend_schema(request=None, responses=ReceiptSerializer)
    def post(self, request, pk):
        """Take back a receipt that is not signed by both."""
        receipt = get_object_or_404(Receipt.objects.editable_by(request.user), pk=pk)
        receipts.withdraw_receipt(receipt=receipt, by=request.user, now=timezone.now())
        return _shown(request, pk)


class CodeRequestInput(serializers.Serializer):
    side = serializers.ChoiceField(choices=ReceiptSignature.Side.choices)
    name = serializers.CharField(max_length=100)
    contact = serializers.CharField(max_length=254, help_text="The receiver's phone number or e-mail address.")


class CodeSent(serializers.Serializer):
    side = serializers.CharField()
    contact = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ReceiptCode(APIView):
    @extend_schema(request=CodeRequestInput, responses={HTTPStatus.ACCEPTED: CodeSent})
    def post(self, request, pk):
        """Send a one-time code to somebody without an account; an earlier one is worth nothing then."""
        receipt = get_object_or_404(Receipt.objects.editable_by(request.user), pk=pk)
        serializer = CodeRequestInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        code = signing_codes.send_code(
            receipt=receipt, by=request.user, now=timezone.now(), **serializer.validated_data
        )
        said = {"side": code.side, "contact": signing_codes.masked(code.contact), "expires_at": code.expires_at}
        return Response(CodeSent(said).data, status=HTTPStatus.ACCEPTED)


class CodeSignInput(serializers.Serializer):
    side = serializers.ChoiceField(choices=ReceiptSignature.Side.choices)
    code = serializers.RegexField(r"^[0-9]{6}$")


class Verification(serializers.Serializer):
    number = serializers.CharField()
    status = serializers.CharField()
    sha256 = serializers.CharField()
    is_intact = serializers.BooleanField(help_text="What is kept still has this hash.")
    matches = serializers.BooleanField(allow_null=True, help_text="The hash asked for is this one; null without one.")
    signed_at = serializers.DateTimeField(allow_null=True)


def _verification(receipt, said=""):
    return Verification(
        {
            "number": receipt.number,
            "status": receipt.status,
            "sha256": receipt.sha256,
            "is_intact": is_intact(receipt),
            "matches": said == receipt.sha256 if said else None,
            "signed_at": receipt.signed_at,
        }
    ).data


class ReceiptCodeSign(APIView):
    permission_classes = []
    authentication_classes = []

    @extend_schema(request=CodeSignInput, responses=Verification)
    def post(self, request, token):
        """Sign with a code that was sent, without an account; five wrong ones use it up."""
        receipt = get_object_or_404(Receipt, token=token)
        serializer = CodeSignInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        receipt = signing_codes.sign_with_code(receipt=receipt, now=timezone.now(), **serializer.validated_data)
        return Response(_verification(receipt))


class ReceiptVerify(APIView):
    permission_classes = []
    authentication_classes = []

    @extend_schema(parameters=[OpenApiParameter("hash", str)], responses=Verification)
    def get(self, request, token):
        """Tell anybody who holds a receipt whether its hash is that of what was signed."""
        receipt = get_object_or_404(Receipt, token=token)
        return Response(_verification(receipt, request.query_params.get("hash", "").strip().lower()))


class ReceiptPaper(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("language", str, enum=["zh", "en"])],
        responses={(HTTPStatus.OK, "application/pdf"): OpenApiTypes.BINARY},
    )
    def get(self, request, pk):
        """Download the receipt; the same receipt gives the same bytes."""
        receipt = get_object_or_404(Receipt.objects.visible_to(request.user).with_details(), pk=pk)
        content = receipt_papers.receipt_paper(receipt, request.query_params.get("language") or get_language())
        return file_response(content, name=f"{receipt.number}.pdf", content_type="application/pdf")


urlpatterns = [
    path("receipts/", ReceiptList.as_view(), name="api_receipt_list"),
    path("receipts/<int:pk>/", ReceiptDetail.as_view(), name="api_receipt_detail"),
    path("receipts/<int:pk>/sign/", ReceiptSign.as_view(), name="api_receipt_sign"),
    path("receipts/<int:pk>/withdraw/", ReceiptWithdraw.as_view(), name="api_receipt_withdraw"),
    path("receipts/<int:pk>/code/", ReceiptCode.as_view(), name="api_receipt_code"),
    path("receipts/<int:pk>/receipt.pdf", ReceiptPaper.as_view(), name="api_receipt_paper"),
    path("receipts/sign-with-code/<str:token>/", ReceiptCodeSign.as_view(), name="api_receipt_code_sign"),
    path("receipts/verify/<str:token>/", ReceiptVerify.as_view(), name="api_receipt_verify"),
]
