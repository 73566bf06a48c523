from django.http import Http404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import parsers, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from config.errors import InputRefused
from marketplace.api.attachments import AttachmentIdsField
from marketplace.papers import read_qr
from marketplace.papers.codes import NotAPicture
from marketplace.services import scans

# A phone's photo; larger ones say nothing more.
LARGEST_PHOTO = 20 * 1024**2


class ScanInput(serializers.Serializer):
    key = serializers.UUIDField(help_text="Made by the device; the same scan sent again is recorded once.")
    token = serializers.CharField(
        max_length=300, help_text="What the QR code of a shipment, lot or package holds, or a shipment's number."
    )
    kind = serializers.ChoiceField(
        choices=[(kind, kind) for kind in scans.ACTS],
        help_text="arrived, weighed, stored, counted, released, handed_over and noted are a park's; dispatched is the "
        "seller's, received the buyer's.",
    )
    recorded_at = serializers.DateTimeField(help_text="The device's clock.")
    data = serializers.DictField(
        required=False,
        help_text="weighed: gross_kg and/or tare_kg; stored, released: quantity; counted: quantity and reason.",
    )
    facility = serializers.CharField(
        required=False, allow_blank=True, allow_null=True, max_length=30, help_text="Id or code of the facility."
    )
    device = serializers.CharField(required=False, allow_blank=True, max_length=200)
    note = serializers.CharField(required=False, allow_blank=True, max_length=500)
    attachments = AttachmentIdsField(many=True, required=False)
    choice = serializers.ChoiceField(
        choices=[("apply", "apply"), ("drop", "drop")],
        required=False,
        allow_blank=True,
        help_text="What a person decided on the conflict that this scan was answered with.",
    )


class ScansInput(serializers.Serializer):
    scans = ScanInput(many=True, allow_empty=False, max_length=scans.MOST_SCANS)


class LotState(serializers.Serializer):
    id = serializers.IntegerField()
    number = serializers.CharField()
    token = serializers.CharField()
    status = serializers.CharField()
    status_name = serializers.CharField()
    quantity = serializers.CharField()
    unit = serializers.CharField()
    stored_quantity = serializers.CharField()
    facility = serializers.IntegerField(allow_null=True)
    facility_name = serializers.CharField()


class ScanState(serializers.Serializer):
    """How a shipment stands now; ``lot`` and ``package`` are those whose code was scanned."""

    shipment = serializers.IntegerField(required=False)
    number = serializers.CharField(required=False)
    token = serializers.CharField(required=False)
    shipment_status = serializers.CharField(required=False)
    status_name = serializers.CharField(required=False)
    vehicle = serializers.CharField(required=False)
    gross_weight_kg = serializers.CharField(required=False, allow_null=True)
    tare_weight_kg = serializers.CharField(required=False, allow_null=True)
    net_weight_kg = serializers.CharField(required=False, allow_null=True)
    is_weight_off = serializers.BooleanField(required=False)
    lot = serializers.IntegerField(required=False, allow_null=True)
    package = serializers.IntegerField(required=False, allow_null=True)
    lots = LotState(many=True, required=False)
    next = serializers.ListField(child=serializers.CharField(), required=False)


class ScanOutcomeSerializer(serializers.Serializer):
    key = serializers.UUIDField()
    result = serializers.CharField(help_text="done, duplicate (harmless), conflict (see choices) or refused.")
    event = serializers.IntegerField(source="event.pk", allow_null=True, default=None)
    message = serializers.CharField()
    choices = serializers.ListField(child=serializers.CharField())
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    state = ScanState()


class ScanOutcomes(serializers.Serializer):
    outcomes = ScanOutcomeSerializer(many=True)


class ScanList(APIView):
    """Record what gates, weighbridges, docks and warehouses scan."""

    @extend_schema(
        request=ScansInput,
        responses=ScanOutcomes,
        examples=[
            OpenApiExample(
                "A lorry on the weighbridge",
                value={
                    "scans": [
                        {
                            "key": "5b7a1c86-0d5d-4a6e-9d8f-4f4be0f4f6f1",
                            "token": "Qx3v8o0sTq2r1bM5kYw9Zg",
                            "kind": "weighed",
                            "recorded_at": "2026-03-02T09:12:00+08:00",
                            "data": {"gross_kg": "28460", "tare_kg": "8420"},
                            "device": "weighbridge-1",
                        }
                    ]
                },
                request_only=True,
            )
        ],
    )
    def post(self, request):
        """Record scans, also a queue of them after a network cut; each is answered for itself, in the order given."""
        serializer = ScansInput(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        outcomes = scans.record_scans(scans=serializer.validated_data["scans"], by=request.user, now=timezone.now())
        return Response(ScanOutcomes({"outcomes": outcomes}).data)


class ScanLookup(APIView):
    @extend_schema(
        parameters=[OpenApiParameter("token", str, description="A code, the address in it, or a shipment's number.")],
        responses=ScanState,
    )
    def get(self, request):
        """Show what a code names and what can be recorded of it next."""
        found = scans.look_up(text=request.query_params.get("token", ""), by=request.user)
        if found is None:
            raise Http404
        return Response(ScanState(scans.state_of(*found)).data)


class PhotoInput(serializers.Serializer):
    photo = serializers.FileField(help_text="PNG, JPEG or WEBP, up to 20 MB.")


class CodesFound(serializers.Serializer):
    token = serializers.CharField(help_text="The first code in the picture.")
    tokens = serializers.ListField(child=serializers.CharField())


class ScanPhoto(APIView):
    parser_classes = [parsers.MultiPartParser]

    @extend_schema(request=PhotoInput, responses=CodesFound)
    def post(self, request):
        """Read the QR codes in a photo, for a browser that cannot do it by itself; nothing is kept."""
        serializer = PhotoInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        photo = serializer.validated_data["photo"]
        if photo.size > LARGEST_PHOTO:
            raise InputRefused({"photo": [_("The file is larger than %(size)d MB.") % {"size": 20}]})
        try:
            texts = read_qr(photo.read())
        except NotAPicture as error:
            raise InputRefused({"photo": [_("This is no picture that can be read.")]}) from error
        tokens = [scans.token_of(text) for text in texts]
        if not tokens:
            raise InputRefused({"photo": [_("There is no QR code in the picture.")]})
        return Response({"token": tokens[0], "tokens": tokens})


urlpatterns = [
    path("scans/", ScanList.as_view(), name="api_scan_list"),
    path("scans/lookup/", ScanLookup.as_view(), name="api_scan_lookup"),
    path("scans/photo/", ScanPhoto.as_view(), name="api_scan_photo"),
]
