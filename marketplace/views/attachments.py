from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from config.http import file_response
from marketplace.models import Attachment
from marketplace.services.attachments import open_content


@login_required
@require_GET
def attachment_download(request, pk):
    attachment = get_object_or_404(Attachment.objects.readable_by(request.user), pk=pk)
    return file_response(
        open_content(attachment),
        name=attachment.name,
        content_type=attachment.content_type,
        # For <img src="…?inline">.
        is_inline=attachment.is_image and "inline" in request.GET,
    )
