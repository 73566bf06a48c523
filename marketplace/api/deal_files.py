from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import permissions, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from config.http import file_response
from marketplace.models import Order
from marketplace.services.deal_archives import deal_json, export_deal
from marketplace.services.deal_seals import public_key


class DealRecordSerializer(serializers.Serializer):
    sequence = serializers.IntegerField()
    kind = serializers.CharField()
    at = serializers.CharField()
    by = serializers.CharField()
    payload = serializers.DictField()
    previous_hash = serializers.CharField()
    hash = serializers.CharField(help_text="SHA-256 of previous_hash and of the rest of the record in canonical JSON.")


class DealFileSerializer(serializers.Serializer):
    format = serializers.CharField()
    order = serializers.CharField()
    count = serializers.IntegerField()
    last_hash = serializers.CharField()
    records = DealRecordSerializer(many=True)


class KeySerializer(serializers.Serializer):
    algorithm = serializers.CharField()
    public_key = serializers.CharField(help_text="In hexadecimal; verify_dealfile.py takes it as --key.")


def _order(request, pk) -> Order:
    return get_object_or_404(Order.objects.visible_to(request.user), pk=pk)


class DealFile(APIView):
    @extend_schema(responses=DealFileSerializer)
    def get(self, request, pk):
        """Show everything that happened in an order of the user's, as a chain of hashes."""
        # Not through the serializer: what is hashed must come out as it is.
        return Response(deal_json(_order(request, pk)))


class DealFileArchive(APIView):
    @extend_schema(responses={(HTTPStatus.OK, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request, pk):
        """Download an order's deal file: records, papers in both languages, attachments, seal."""
        order = _order(request, pk)
        return file_response(export_deal(order), name=f"deal-{order.number}.zip", content_type="application/zip")


class DealFileKey(APIView):
    permission_classes = [permissions.AllowAny]

    @extend_schema(responses=KeySerializer)
    def get(self, request):
        """Show the key with which this marketplace seals deal files."""
        return Response({"algorithm": "Ed25519", "public_key": public_key()})


urlpatterns = [
    path("orders/<int:pk>/deal-file/", DealFile.as_view(), name="api_deal_file"),
    path("orders/<int:pk>/deal-file.zip", DealFileArchive.as_view(), name="api_deal_file_archive"),
    path("deal-file-key/", DealFileKey.as_view(), name="api_deal_file_key"),
]
