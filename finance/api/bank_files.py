from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from finance.api.cover_serializers import CoverReasonInput
from finance.models import BankFile, BankFileRow, ReconciliationBreak
from finance.services import bank_files
from marketplace.api.fields import OrganisationBrief, checked
from marketplace.api.idempotency import CreatingView
from marketplace.api.pages import Pages
from marketplace.models import Organisation


class BankFileProblemSerializer(serializers.Serializer):
    line = serializers.IntegerField()
    field = serializers.CharField()
    reason = serializers.CharField()
    zh = serializers.CharField()
    en = serializers.CharField()


class BankFileSerializer(serializers.ModelSerializer):
    bank = OrganisationBrief()
    loaded_by = serializers.CharField(source="loaded_by.username")
    checked_by = serializers.CharField(source="checked_by.username", default=None)
    problems = BankFileProblemSerializer(many=True)

    class Meta:
        model = BankFile
        fields = (
            "id",
            "bank",
            "name",
            "sha256",
            "status",
            "failure",
            "rows",
            "matched",
            "known",
            "to_post",
            "refused",
            "problems",
            "first_on",
            "last_on",
            "posting",
            "loaded_by",
            "requested_at",
            "checked_by",
            "checked_at",
            "check_note",
        )
        read_only_fields = fields


class BankFileRowSerializer(serializers.ModelSerializer):
    class Meta:
        model = BankFileRow
        fields = (
            "id",
            "line",
            "kind",
            "reference",
            "loan_number",
            "amount",
            "currency",
            "paid_on",
            "is_early",
            "party",
            "note",
            "state",
            "drawdown",
            "act",
            "repayment",
        )
        read_only_fields = fields


class BreakSideSerializer(serializers.Serializer):
    amount = serializers.CharField()
    currency = serializers.CharField()
    day = serializers.CharField()


class BreakSerializer(serializers.ModelSerializer):
    line = serializers.IntegerField(source="row.line", default=None)
    reference = serializers.CharField()
    loan_number = serializers.CharField()
    here = BreakSideSerializer(source="details.here", default=None)
    there = BreakSideSerializer(source="details.there", default=None)
    resolved_by = serializers.CharField(source="resolved_by.username", default=None)

    class Meta:
        model = ReconciliationBreak
        fields = (
            "id",
            "file",
            "kind",
            "line",
            "reference",
            "loan_number",
            "here",
            "there",
            "resolution",
            "note",
            "resolved_by",
            "resolved_at",
        )
        read_only_fields = fields


class BankFileInput(serializers.Serializer):
    bank = serializers.PrimaryKeyRelatedField(queryset=Organisation.objects.none())
    file = serializers.FileField(allow_empty_file=True)

    def get_fields(self):
        fields = super().get_fields()
        if "request" in self.context:
            mine = Organisation.objects.of(self.context["request"].user, *BankFile.LOADING_ROLES)
            fields["bank"].queryset = mine.filter(kind=Organisation.Kind.BANK)
        return fields


class SettleInput(serializers.Serializer):
    # As text: the service says which may be chosen, and the schema has one list of them.
    resolution = serializers.CharField(max_length=20, help_text=", ".join(ReconciliationBreak.CHOOSABLE))
    note = serializers.CharField(max_length=bank_files.LONGEST_NOTE)


def _file(pk) -> dict:
    return BankFileSerializer(BankFile.objects.with_names().get(pk=pk)).data


class BankFileList(CreatingView, generics.ListAPIView):
    """The files of the reader's banks, the newest first."""

    queryset = BankFile.objects.none()
    serializer_class = BankFileSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return BankFile.objects.visible_to(self.request.user).with_names().order_by("-requested_at", "-pk")

    @extend_schema(request=BankFileInput, responses={HTTPStatus.CREATED: BankFileSerializer})
    def create(self, request):
        """Load a file as the bank's maker; the same content again returns the first file and changes nothing."""
        said = checked(BankFileInput, request)
        file = bank_files.load_bank_file(bank=said["bank"], upload=said["file"], by=request.user, now=timezone.now())
        return Response(_file(file.pk), status=HTTPStatus.CREATED)


class BankFileDetail(generics.RetrieveAPIView):
    """A file, how far it was read, and what came of it."""

    queryset = BankFile.objects.none()
    serializer_class = BankFileSerializer

    def get_queryset(self):
        return BankFile.objects.visible_to(self.request.user).with_names()


class BankFileRows(generics.ListAPIView):
    """The rows of a file, each with its state."""

    queryset = BankFileRow.objects.none()
    serializer_class = BankFileRowSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        file = get_object_or_404(BankFile.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        return file.payments.order_by("line")


class BankFilePost(APIView):
    @extend_schema(request=None, responses=BankFileSerializer)
    def post(self, request, pk):
        """Post, as the second person, what nobody recorded here; said again, it posts what was left undone."""
        file = get_object_or_404(BankFile.objects.checkable_by(request.user).with_names(), pk=pk)
        bank_files.post_bank_file(file=file, by=request.user, now=timezone.now())
        return Response(_file(pk))


class BankFileRefuse(APIView):
    @extend_schema(request=CoverReasonInput, responses=BankFileSerializer)
    def post(self, request, pk):
        """Refuse the file as the second person: nothing of it counts."""
        file = get_object_or_404(BankFile.objects.checkable_by(request.user).with_names(), pk=pk)
        note = checked(CoverReasonInput, request)["reason"]
        bank_files.refuse_bank_file(file=file, note=note, by=request.user, now=timezone.now())
        return Response(_file(pk))


@extend_schema_view(
    get=extend_schema(
        parameters=[
            OpenApiParameter("file", int, description="Only those of this file."),
            OpenApiParameter("open", bool, description="Only those that nobody settled yet."),
        ]
    )
)
class BreakList(generics.ListAPIView):
    """Where the files of the reader's banks and this platform differ."""

    queryset = ReconciliationBreak.objects.none()
    serializer_class = BreakSerializer
    pagination_class = Pages

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        found, asked = ReconciliationBreak.objects.visible_to(self.request.user), self.request.query_params
        if asked.get("file", "").isdigit():
            found = found.filter(file=asked["file"])
        if asked.get("open") in ("true", "1"):
            found = found.open()
        return found.with_names().order_by("-file", "pk")


class BreakSettle(APIView):
    @extend_schema(request=SettleInput, responses=BreakSerializer)
    def post(self, request, pk):
        """Say how a break was settled, and why."""
        mine = Organisation.objects.of(request.user, *bank_files.SETTLING_ROLES)
        found = get_object_or_404(ReconciliationBreak.objects.filter(file__bank__in=mine).with_names(), pk=pk)
        said = checked(SettleInput, request)
        bank_files.settle_break(found=found, by=request.user, now=timezone.now(), **said)
        return Response(BreakSerializer(ReconciliationBreak.objects.with_names().get(pk=pk)).data)
