from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from marketplace.models import Order


@login_required
@require_GET
def order_detail(request, pk):
    order = get_object_or_404(Order.objects.visible_to(request.user).with_details(), pk=pk)
    return render(request, "marketplace/order_detail.html", {"order": order})
