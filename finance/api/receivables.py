"""Receivables by API: register, accept, offer parts, take them with four eyes, and check an invoice by its fingerprint."""

from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.models import Assignment, Drawdown, Receivable, TransactionRecord
from finance.models.consent import READERS
from finance.services import assignments, receivables
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Invoice, Organisation


class AssignmentSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    receivable = serializers.CharField(source="receivable.number")

    class Meta:
        model = Assignment
        fields = (
            "id",
            "receivable",
            "bank",
            "kind",
            "amount",
            "status",
            "waits_for",
            "act_by",
            "drawdown",
            "offered_at",
            "made_at",
            "checked_at",
            "ended_at",
            "note",
        )
        read_only_fields = fields


class ReceivableSerializer(serializers.ModelSerializer):
    seller = OrganisationBrief()
    buyer = OrganisationBrief()
    assigned = serializers.SerializerMethodField(help_text="For seller and buyer; null for a bank.")
    parts = serializers.SerializerMethodField()

    class Meta:
        model = Receivable
        fields = (
            "id",
            "number",
            "seller",
            "buyer",
            "invoice_code",
            "invoice_number",
            "issued_on",
            "due_on",
            "face",
            "currency",
            "assigned",
            "fingerprint",
            "status",
            "registered_at",
            "answered_at",
            "answer_note",
            "parts",
        )
        read_only_fields = fields

    def _mine(self) -> set[int]:
        if not hasattr(self, "_own"):
            user = self.context["request"].user
            self._own = set(Organisation.objects.of(user).values_list("pk", flat=True))
        return self._own

    def get_assigned(self, receivable) -> str | None:
        is_side = {receivable.seller_id, receivable.buyer_id} & self._mine()
        return f"{receivable.assigned:.2f}" if is_side else None

    def get_parts(self, receivable) -> list[dict]:
        shown = [
            part
            for part in receivable.assignments.all()
            if part.bank_id in self._mine() or receivable.seller_id in self._mine()
        ]
        return AssignmentSerializer(shown, many=True).data


class ReceivableInput(serializers.Serializer):
    invoice = serializers.PrimaryKeyRelatedField(queryset=Invoice.objects.none(), required=False)
    record = serializers.PrimaryKeyRelatedField(queryset=TransactionRecord.objects.none(), required=False)
    due_on = serializers.DateField(required=False, help_text="Of an uploaded sale.")

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            user = self.context["request"].user
            mine = Organisation.objects.of(user, "owner", "trader")
            fields["invoice"].queryset = Invoice.objects.filter(seller__in=mine)
            fields["record"].queryset = TransactionRecord.objects.filter(organisation__in=mine)
        return fields

    def validate(self, said):
        if ("invoice" in said) == ("record" in said):
            raise serializers.ValidationError({"invoice": ["Give an invoice or a record, one of the two."]})
        return said


class ReceivableAnswerInput(serializers.Serializer):
    accepts = serializers.BooleanField()
    note = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class AssignmentInput(serializers.Serializer):
    bank = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.filter(kind=Organisation.Kind.BANK))
    amount = serializers.DecimalField(max_digits=20, decimal_places=2)
    kind = serializers.ChoiceField(choices=Assignment.Kind.choices, required=False)
    note = serializers.CharField(required=False, allow_blank=True, max_length=300)


class AssignmentProposeInput(serializers.Serializer):
    drawdown = serializers.PrimaryKeyRelatedField(queryset=Drawdown.objects.none(), required=False, allow_null=True)

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            mine = Organisation.objects.of(self.context["request"].user)
            fields["drawdown"].queryset = Drawdown.objects.filter(line__bank__in=mine).select_related("line")
        return fields


class AssignmentNoteInput(serializers.Serializer):
    note = serializers.CharField(required=False, allow_blank=True, max_length=300, default="")


class InvoiceMarks(serializers.Serializer):
    seller = serializers.CharField(max_length=40, help_text="Code of the seller (USCC).")
    buyer = serializers.CharField(max_length=40)
    invoice_code = serializers.CharField(max_length=40, required=False, allow_blank=True, default="")
    invoice_number = serializers.CharField(max_length=60)
    face = serializers.DecimalField(max_digits=20, decimal_places=2)
    currency = serializers.CharField(max_length=3, required=False, default="CNY")
    issued_on = serializers.DateField()


class MarksFound(serializers.Serializer):
    fingerprint = serializers.CharField()
    state = serializers.ChoiceField(choices=Receivable.Known.choices)
    is_accepted = serializers.BooleanField()


def _visible(user):
    return Receivable.objects.visible_to(user).with_names().prefetch_related("assignments__bank")


class ReceivableList(CreatingView, generics.ListAPIView):
    """What the reader's firms are owed and owe, and what was offered to the reader's banks."""

    queryset = Receivable.objects.none()
    serializer_class = ReceivableSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return _visible(self.request.user).order_by("-registered_at", "-pk")

    @extend_schema(request=ReceivableInput, responses={HTTPStatus.CREATED: ReceivableSerializer})
    def create(self, request):
        """Register an invoice or an uploaded sale as something to lend on; once, whoever asks."""
        said, now = checked(ReceivableInput, request), timezone.now()
        if "invoice" in said:
            made = receivables.register_invoice(invoice=said["invoice"], by=request.user, now=now)
        else:
            made = receivables.register_record(**said, by=request.user, now=now)
        return Response(_shown(request, made.pk), status=HTTPStatus.CREATED)


def _shown(request, pk) -> dict:
    return ReceivableSerializer(_visible(request.user).get(pk=pk), context={"request": request}).data


class ReceivableDetail(generics.RetrieveAPIView):
    """A receivable; a bank sees only its own parts."""

    queryset = Receivable.objects.none()
    serializer_class = ReceivableSerializer

    def get_queryset(self):
        return _visible(self.request.user)


class ReceivableAnswer(APIView):
    @extend_schema(request=ReceivableAnswerInput, responses=ReceivableSerializer)
    def post(self, request, pk):
        """Accept or refuse for the buyer; only what is accepted can be lent on."""
        receivable = get_object_or_404(Receivable.objects.owed_by(request.user).with_names(), pk=pk)
        said = checked(ReceivableAnswerInput, request)
        receivables.answer_receivable(receivable=receivable, **said, by=request.user, now=timezone.now())
        return Response(_shown(request, pk))


class ReceivableCancel(APIView):
    @extend_schema(request=None, responses=ReceivableSerializer)
    def post(self, request, pk):
        """Take back a receivable on which nobody lends."""
        receivable = get_object_or_404(Receivable.objects.sold_by(request.user).with_names(), pk=pk)
        receivables.cancel_receivable(receivable=receivable, by=request.user, now=timezone.now())
        return Response(_shown(request, pk))


class ReceivableOffer(CreatingView):
    @extend_schema(request=AssignmentInput, responses={HTTPStatus.CREATED: AssignmentSerializer})
    def create(self, request, pk):
        """Offer a part to one bank; 409 where less is free."""
        receivable = get_object_or_404(Receivable.objects.sold_by(request.user).with_names(), pk=pk)
        said = checked(AssignmentInput, request)
        made = assignments.offer_assignment(
            receivable=receivable, bank=said["bank"], said=said, by=request.user, now=timezone.now()
        )
        return Response(AssignmentSerializer(made).data, status=HTTPStatus.CREATED)


class AssignmentAct(APIView):
    def act(self, request, pk, service, **said):
        visible = Assignment.objects.visible_to(request.user).with_names()
        service(assignment=get_object_or_404(visible, pk=pk), by=request.user, now=timezone.now(), **said)
        return Response(AssignmentSerializer(visible.get(pk=pk)).data)


class AssignmentPropose(AssignmentAct):
    @extend_schema(request=AssignmentProposeInput, responses=AssignmentSerializer)
    def post(self, request, pk):
        """Propose to take a part; for the bank's maker."""
        return self.act(request, pk, assignments.propose_assignment, **checked(AssignmentProposeInput, request))


class AssignmentConfirm(AssignmentAct):
    @extend_schema(request=None, responses=AssignmentSerializer)
    def post(self, request, pk):
        """Take a part; for a checker who is not its maker."""
        return self.act(request, pk, assignments.confirm_assignment)


class AssignmentDecline(AssignmentAct):
    @extend_schema(request=AssignmentNoteInput, responses=AssignmentSerializer)
    def post(self, request, pk):
        """Decline a part for the bank."""
        return self.act(request, pk, assignments.decline_assignment, **checked(AssignmentNoteInput, request))


class AssignmentWithdraw(AssignmentAct):
    @extend_schema(request=None, responses=AssignmentSerializer)
    def post(self, request, pk):
        """Withdraw an offer that the bank has not answered."""
        return self.act(request, pk, assignments.withdraw_assignment)


class AssignmentRelease(AssignmentAct):
    @extend_schema(request=AssignmentNoteInput, responses=AssignmentSerializer)
    def post(self, request, pk):
        """Release a part on which nothing is owed any more; for the bank's checker."""
        return self.act(request, pk, assignments.release_assignment, **checked(AssignmentNoteInput, request))


class ReceivableCheck(APIView):
    @extend_schema(request=InvoiceMarks, responses=MarksFound)
    def post(self, request):
        """Say whether somebody lends on an invoice already; for banks, insurers and guarantors. Writes nothing."""
        if not Organisation.objects.of(request.user).filter(kind__in=READERS).exists():
            raise exceptions.PermissionDenied
        return Response(receivables.check_marks(receivables.marks_of(**checked(InvoiceMarks, request))))
