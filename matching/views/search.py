from http import HTTPStatus

from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from config.errors import InputRefused
from marketplace.models import Listing
from matching import services


@require_GET
def search(request):
    """Answer a sentence with what fits it, at once."""
    text, side = request.GET.get("q", "").strip(), request.GET.get("side", "")
    context, status = {"q": text, "side": side, "sides": Listing.Side.choices}, HTTPStatus.OK
    if text:
        try:
            context["found"] = services.search(text=text, side=side, user=request.user, now=timezone.now())
        except InputRefused as error:
            context["errors"], status = error.errors, HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "matching/search.html", context, status=status)
