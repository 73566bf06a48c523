"""Where an organisation's own systems are told: addresses, secrets, the delivery log. For owners."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms import EndpointForm
from marketplace.models import Membership, Notification, Organisation, WebhookEndpoint
from marketplace.services import webhooks
from marketplace.views.once import once

PER_PAGE = 30


def _endpoint(request, pk) -> WebhookEndpoint:
    endpoints = WebhookEndpoint.objects.editable_by(request.user).select_related("organisation")
    return get_object_or_404(endpoints, pk=pk)


def _show_secret_once(request, endpoint: WebhookEndpoint, secret: str) -> None:
    # A redirect cannot carry it; the next page takes it out of the session.
    request.session["webhook_secret"] = [endpoint.pk, secret]


@login_required
@once
def webhook_list(request, pk):
    owned = Organisation.objects.of(request.user, Membership.Role.OWNER)
    organisation = get_object_or_404(owned, pk=pk)
    form = EndpointForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            endpoint = webhooks.add_endpoint(
                organisation=organisation, by=request.user, now=timezone.now(), **form.cleaned_data
            )
            if endpoint.kind == WebhookEndpoint.Kind.WEBHOOK:
                _show_secret_once(request, endpoint, endpoint.secret)
            return redirect("marketplace:webhook_detail", endpoint.pk)
    endpoints = organisation.webhook_endpoints.order_by("pk")
    context = {"organisation": organisation, "endpoints": endpoints, "form": form, "is_owner": True}
    return render(request, "marketplace/webhook_list.html", context, status=form.http_status)


@login_required
@never_cache
@require_GET
def webhook_detail(request, pk):
    endpoint = _endpoint(request, pk)
    told = Notification.objects.filter(endpoint=endpoint).prefetch_related("attempts")
    of, secret = request.session.pop("webhook_secret", (None, ""))
    context = {
        "endpoint": endpoint,
        "organisation": endpoint.organisation,
        "secret": secret if of == endpoint.pk else "",
        "page": Paginator(told.order_by("-requested_at", "-pk"), PER_PAGE).get_page(request.GET.get("page")),
        "is_owner": True,
    }
    return render(request, "marketplace/webhook_detail.html", context)


@login_required
@require_POST
def webhook_rotate_secret(request, pk):
    endpoint = _endpoint(request, pk)
    secret = webhooks.rotate_secret(endpoint=endpoint, by=request.user, now=timezone.now())
    _show_secret_once(request, endpoint, secret)
    return redirect("marketplace:webhook_detail", pk)


@login_required
@require_POST
def webhook_send_test(request, pk):
    webhooks.send_test(endpoint=_endpoint(request, pk), by=request.user, now=timezone.now())
    messages.success(request, _("A test message is on its way: see the log below."))
    return redirect("marketplace:webhook_detail", pk)


@login_required
@require_POST
def webhook_send_again(request, pk):
    told = Notification.objects.to_endpoints_of(request.user).select_related("endpoint__organisation")
    notification = get_object_or_404(told, pk=pk)
    webhooks.send_again(notification=notification, by=request.user, now=timezone.now())
    messages.success(request, _("It is sent once more, under its old id."))
    return redirect("marketplace:webhook_detail", notification.endpoint_id)


@login_required
@require_POST
def webhook_enable(request, pk):
    webhooks.enable_endpoint(endpoint=_endpoint(request, pk), by=request.user)
    messages.success(request, _("Switched on again."))
    return redirect("marketplace:webhook_detail", pk)


@login_required
@require_POST
def webhook_remove(request, pk):
    endpoint = _endpoint(request, pk)
    webhooks.remove_endpoint(endpoint=endpoint, by=request.user)
    messages.success(request, _("The address was removed."))
    return redirect("marketplace:webhook_list", endpoint.organisation_id)
