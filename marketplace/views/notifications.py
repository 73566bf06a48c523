from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketplace.forms import SubscriptionsForm
from marketplace.models import Notification
from marketplace.services import notifications

PER_PAGE = 30


@login_required
@require_GET
def notification_list(request):
    told = Notification.objects.in_app_of(request.user).select_related("organisation")
    if request.GET.get("unread"):
        told = told.unread()
    page = Paginator(told.order_by("-requested_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "marketplace/notification_list.html", {"page": page})


@login_required
@require_POST
def notification_open(request, pk):
    """Mark a notification as read and go where it leads."""
    notification = get_object_or_404(Notification.objects.in_app_of(request.user), pk=pk)
    notifications.mark_read(notification=notification, now=timezone.now())
    # Its address was written by our own services and is a path of this site.
    return redirect(notification.url or "marketplace:notification_list")


@login_required
@require_POST
def notification_read_all(request):
    notifications.mark_all_read(user=request.user, now=timezone.now())
    return redirect("marketplace:notification_list")


@never_cache
@require_GET
def bell(request):
    """Draw the bell anew if it shows another number than the page has; the page asks every few seconds."""
    if not request.user.is_authenticated:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    unread = notifications.unread_count(user=request.user)
    if request.GET.get("unread") == str(unread):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    response = render(request, "marketplace/bell.html", {"unread": unread})
    # Whatever on the page listens for it asks for itself again.
    response["HX-Trigger"] = "bell"
    return response


@login_required
def subscription_list(request):
    choices = notifications.subscription_choices(user=request.user)
    form = SubscriptionsForm(request.POST or None, choices=choices)
    if request.method == "POST" and form.is_valid():
        for choice in form.changed():
            notifications.set_subscription(user=request.user, now=timezone.now(), **choice)
        messages.success(request, _("Saved."))
        return redirect("marketplace:subscription_list")
    return render(request, "marketplace/subscription_list.html", {"form": form}, status=form.http_status)


@csrf_exempt  # a mail program posts here by itself (RFC 8058); the signed token says who and what
@require_http_methods(["GET", "POST"])
def unsubscribe(request, token):
    if request.method == "POST":
        notifications.unsubscribe(token=token, now=timezone.now())
    return render(request, "marketplace/unsubscribe.html", {"is_done": request.method == "POST"})
