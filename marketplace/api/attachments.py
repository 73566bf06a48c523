from http import HTTPStatus

from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import parsers, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from config.http import file_response
from marketplace.api.fields import find_organisation
from marketplace.api.idempotency import CreatingView
from marketplace.models import Attachment, Organisation
from marketplace.services import attachments


class AttachmentSerializer(serializers.ModelSerializer):
    uploaded_by = serializers.CharField(source="uploaded_by.username", read_only=True)

    class Meta:
        model = Attachment
        fields = ("id", "name", "content_type", "size", "sha256", "uploaded_by", "created_at")
        read_only_fields = fields


class AttachmentInput(serializers.Serializer):
    file = serializers.FileField(
        allow_empty_file=True, help_text="PDF, PNG, JPG, WEBP, HEIC, DOCX, XLSX, CSV, TXT, XML or OFD, up to 20 MB."
    )
    organisation = serializers.CharField(help_text="Id or USCC of the user's organisation for which it is uploaded.")


class AttachmentIdsField(serializers.PrimaryKeyRelatedField):
    """Ids of files that the user uploaded or may read; ``AttachmentIdsField(many=True, required=False)``.

    Whether they were uploaded for the organisation that acts is for the view to ask: ``attachable_by``.
    """

    queryset = Attachment.objects.all()

    def get_queryset(self):
        return Attachment.objects.readable_by(self.context["request"].user)


class AttachmentCreate(CreatingView):
    parser_classes = [parsers.MultiPartParser]

    @extend_schema(request=AttachmentInput, responses={HTTPStatus.CREATED: AttachmentSerializer})
    def create(self, request):
        """Upload a file, to hang it afterwards on an offer, a message, an order and so on by its id."""
        serializer = AttachmentInput(data=request.data)
        serializer.is_valid(raise_exception=True)
        said = serializer.validated_data
        organisation = find_organisation(Organisation.objects.of(request.user), said["organisation"])
        if organisation is None:
            raise serializers.ValidationError({"organisation": [_("There is no organisation of this id or code.")]})
        attachment = attachments.store_attachment(
            upload=said["file"], by=request.user, readers=[organisation], now=timezone.now()
        )
        return Response(AttachmentSerializer(attachment).data, status=HTTPStatus.CREATED)


class AttachmentDetail(APIView):
    @extend_schema(responses=AttachmentSerializer)
    def get(self, request, pk):
        """Show a file's name, type, size and hash."""
        readable = Attachment.objects.readable_by(request.user).with_names()
        return Response(AttachmentSerializer(get_object_or_404(readable, pk=pk)).data)


class AttachmentContent(APIView):
    @extend_schema(responses={(HTTPStatus.OK, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, pk):
        """Download a file."""
        attachment = get_object_or_404(Attachment.objects.readable_by(request.user), pk=pk)
        return file_response(
            attachments.open_content(attachment), name=attachment.name, content_type=attachment.content_type
        )


urlpatterns = [
    path("attachments/", AttachmentCreate.as_view(), name="api_attachment_create"),
    path("attachments/<int:pk>/", AttachmentDetail.as_view(), name="api_attachment_detail"),
    path("attachments/<int:pk>/content/", AttachmentContent.as_view(), name="api_attachment_content"),
]
