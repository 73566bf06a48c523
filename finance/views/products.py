from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.products import CreditProductForm, product_initial
from finance.models import CreditProduct
from finance.services import products
from finance.services.applications import LENDERS
from marketplace.models import Membership, Organisation
from marketplace.views.once import once


def chosen_firm(request):
    """Return the firm of the reader's that is looked at, the first if none is named; a stranger's is not found."""
    firms = Organisation.objects.of(request.user, *Membership.COMMON_ROLES).exclude(kind__in=LENDERS).order_by("pk")
    if (wanted := request.GET.get("firm", "")).isdigit():
        firms = firms.filter(pk=int(wanted))
    return get_object_or_404(firms[:1])


@login_required
@require_GET
def product_list(request):
    firm = chosen_firm(request)
    firms = Organisation.objects.of(request.user, *Membership.COMMON_ROLES).exclude(kind__in=LENDERS).order_by("pk")
    offers = products.offers_for(firm=firm, now=timezone.now())
    may_apply = Organisation.objects.of(request.user, *Membership.TRADING_ROLES).filter(pk=firm.pk).exists()
    context = {"firm": firm, "firms": firms, "offers": offers, "may_apply": may_apply}
    return render(request, "finance/product_list.html", context)


@login_required
@require_GET
def bank_products(request):
    get_object_or_404(Organisation.objects.of(request.user).filter(kind=Organisation.Kind.BANK)[:1])
    found = CreditProduct.objects.of_bank(request.user).with_names().order_by("bank", "-is_open", "code")
    editable = set(CreditProduct.objects.editable_by(request.user).values_list("pk", flat=True))
    owned = Organisation.objects.of(request.user, "owner").filter(kind=Organisation.Kind.BANK)
    context = {"products": found, "editable": editable, "owns_a_bank": owned.exists()}
    return render(request, "finance/bank_products.html", context)


@login_required
@once
def product_create(request):
    banks = Organisation.objects.of(request.user, "owner").filter(kind=Organisation.Kind.BANK).order_by("pk")
    get_object_or_404(banks[:1])
    today = timezone.localdate()
    initial = {"offered_from": today, "consent_groups": CreditProduct().consent_groups}
    form = CreditProductForm(request.POST or None, banks=banks, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            bank = form.cleaned_data["bank"]
            products.create_product(bank=bank, fields=form.said(), by=request.user, now=timezone.now())
            messages.success(request, _("The product is in the catalogue."))
            return redirect("finance:bank_products")
    return render(request, "finance/product_create.html", {"form": form}, status=form.http_status)


@login_required
def product_edit(request, pk):
    product = get_object_or_404(CreditProduct.objects.editable_by(request.user).with_names(), pk=pk)
    form = CreditProductForm(request.POST or None, initial=product_initial(product))
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            products.edit_product(product=product, fields=form.said(), by=request.user, now=timezone.now())
            messages.success(request, _("Saved. What was applied for before keeps its conditions."))
            return redirect("finance:bank_products")
    return render(request, "finance/product_edit.html", {"form": form, "product": product}, status=form.http_status)


@login_required
@require_POST
def product_open(request, pk):
    """Offer a product, or offer it no longer."""
    product = get_object_or_404(CreditProduct.objects.editable_by(request.user).with_names(), pk=pk)
    is_open = request.POST.get("open") == "yes"
    products.set_product_open(product=product, is_open=is_open, by=request.user, now=timezone.now())
    messages.success(request, _("The product is offered.") if is_open else _("The product is offered no longer."))
    return redirect("finance:bank_products")
