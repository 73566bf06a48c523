from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET

from finance.services.sides import side_of

# Where each side's work begins.
FIRST_PAGES = {"firm": "score", "bank": "bank_queue", "partner": "partner_quotes"}


@login_required
@require_GET
def credit_home(request):
    """Lead everybody to the first page of their side of credit."""
    try:
        return redirect(reverse(f"finance:{FIRST_PAGES[side_of(request.user)]}"))
    except NoReverseMatch:
        return redirect("finance:consent_list")
