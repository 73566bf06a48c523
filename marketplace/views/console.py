"""The console of a park's staff: the day, the warehouses, what went wrong, what lies there."""

from functools import wraps
from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from marketplace.forms.console import ChoiceForm, CountForm, QuickScanForm, StockSearchForm
from marketplace.models import Facility, Lot, Park, ScanConflict
from marketplace.services import park_board, park_exceptions, park_stock, scans, stock

PER_PAGE = 50
LAST_PARK = "console_park"
LEVELS = {
    scans.DONE: messages.SUCCESS,
    scans.DUPLICATE: messages.INFO,
    scans.CONFLICT: messages.WARNING,
    scans.REFUSED: messages.ERROR,
}


def of_park(view):
    """Hand the view the park of the address, of those where the reader works, and remember it for the next visit."""

    @login_required
    @wraps(view)
    def wrapper(request, pk):
        parks = list(Park.objects.run_by(request.user).with_names().order_by("pk"))
        park = next((one for one in parks if one.pk == pk), None)
        if park is None:
            raise Http404
        if request.session.get(LAST_PARK) != pk:
            request.session[LAST_PARK] = pk
        may_manage = Park.objects.managed_by(request.user).filter(pk=pk).exists()
        return view(request, park, {"park": park, "parks": parks, "may_manage": may_manage})

    return wrapper


@login_required
@require_GET
def console_home(request):
    """Go to the board of the park where the reader was last."""
    mine = list(Park.objects.run_by(request.user).order_by("pk").values_list("pk", flat=True))
    if not mine:
        raise Http404
    last = request.session.get(LAST_PARK)
    return redirect("marketplace:console_board", last if last in mine else mine[0])


@require_GET
@of_park
def console_board(request, park, context):
    board = park_board.read_board(park=park, now=timezone.now())
    return render(request, "marketplace/console_board.html", {**context, "board": board, "tab": "board"})


@require_GET
@of_park
def console_occupancy(request, park, context):
    warehouses = park_stock.read_occupancy(park=park, now=timezone.now())
    context = {**context, "warehouses": warehouses, "tab": "occupancy", "days_ahead": park_stock.DAYS_AHEAD}
    return render(request, "marketplace/console_occupancy.html", context)


@require_GET
@of_park
def console_exceptions(request, park, context):
    found = park_exceptions.read_exceptions(park=park, now=timezone.now())
    return render(request, "marketplace/console_exceptions.html", {**context, "exceptions": found, "tab": "exceptions"})


def _found_stock(request, park):
    warehouses = park.facilities.filter(kind=Facility.Kind.WAREHOUSE).order_by("code")
    form = StockSearchForm(request.GET, warehouses=warehouses)
    said = form.cleaned_data if form.is_valid() else {}
    return form, park_stock.find_stock(park=park, words=said.get("q", ""), warehouse=said.get("warehouse"))


@require_GET
@of_park
def console_inventory(request, park, context):
    form, lots = _found_stock(request, park)
    page = Paginator(lots, PER_PAGE).get_page(request.GET.get("page"))
    totals = park_stock.totals_by_owner(lots)
    context = {**context, "form": form, "page": page, "totals": totals, "tab": "inventory"}
    return render(request, "marketplace/console_inventory.html", context)


@require_GET
@of_park
def console_inventory_csv(request, park, context):
    lots = _found_stock(request, park)[1]
    response = HttpResponse(park_stock.stock_csv(lots), content_type="text/csv; charset=utf-8")
    name = f"{park.code}-{timezone.localdate():%Y%m%d}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@login_required
def console_count(request, pk):
    """Take what was counted of a lot, and show how its stock came about."""
    lot = get_object_or_404(Lot.objects.handled_by(request.user).exclude(location=None).with_names(), pk=pk)
    form = CountForm(request.POST or None, initial={"quantity": lot.stored_quantity.normalize()})
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            stock.adjust_count(lot=lot, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("The count of lot %(number)s is written down.") % {"number": lot.number})
            return redirect("marketplace:console_inventory", lot.location.park_id)
    moves = lot.stock_moves.select_related("by", "facility").order_by("-at", "-pk")
    context = {"form": form, "lot": lot, "moves": moves, "park": lot.location.park, "owner": park_stock.owner_of(lot)}
    return render(request, "marketplace/console_count.html", context, status=form.http_status)


@require_POST
@of_park
def console_scan(request, park, context):
    """Record at a click on the board what needs no more than that; the same click twice counts once."""
    form = QuickScanForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    now = timezone.now()
    outcome = scans.record_scan(by=request.user, recorded_at=now, now=now, device=_("board"), **form.cleaned_data)
    messages.add_message(request, LEVELS[outcome.result], outcome.message)
    return redirect("marketplace:console_board", park.pk)


@login_required
@require_POST
def console_settle(request, pk):
    """Decide on a scan that did not fit, from the desk: apply it all the same, or drop it."""
    mine = ScanConflict.objects.open().handled_by(request.user).select_related("shipment", "lot")
    conflict = get_object_or_404(mine, pk=pk)
    form = ChoiceForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    outcome = scans.record_scan(
        token=(conflict.lot or conflict.shipment).token,
        kind=conflict.kind,
        key=conflict.key,
        by=request.user,
        recorded_at=conflict.recorded_at,
        now=timezone.now(),
        data=conflict.data,
        facility=conflict.data.get("facility"),
        device=conflict.device,
        choice=form.cleaned_data["choice"],
    )
    messages.add_message(request, LEVELS[outcome.result], outcome.message)
    return redirect("marketplace:console_exceptions", conflict.shipment.park_id)
