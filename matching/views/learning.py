from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from matching import services
from matching.models import LearningRun, MatchEvent
from matching.services import learning as pages
from matching.views.access import operator_only

LOSSES = (
    ("share_absolute", gettext_lazy("Absolute error of the share that came")),
    ("share_squared", gettext_lazy("Squared error of the share that came")),
    ("full_squared", gettext_lazy("Brier score of “all of it came”")),
)
CHANCES = (
    ("demand", "buyer", gettext_lazy("The buyer takes it up")),
    ("supply", "seller", gettext_lazy("The seller takes it up")),
)


@operator_only
@require_GET
def learning(request):
    """Show what is learned from what both sides do about their matches."""
    run, shipped = pages.latest_reckoning(), pages.shipped_learning()
    figures, places = shipped["chances"]["figures"], shipped["chances"]["places"]
    sides = []
    for side, name, label in CHANCES:
        observed = run.document[side] if run else None
        sides.append(
            {
                "label": label,
                "places": pages.position_plot(observed["curve"] if run else places[name]),
                "observed": observed and _judged(observed["calibration"]),
                "shipped": _judged(figures[name]),
            }
        )
    orders = {"observed": run and _judged(run.document["fulfilled"]), "shipped": _judged(figures["fulfilled"])}
    record = shipped["reliability"]["figures"]["against"]["running mean"]
    context = {"days": pages.events_by_day(now=timezone.now()), "kinds": MatchEvent.Kind.labels, "run": run}
    context["reliability_rows"] = [(label, record[name]) for name, label in LOSSES]
    context |= {"sides": sides, "orders": orders, "shipped": shipped, "newest": LearningRun.objects.newest().first()}
    return render(request, "matching/learning.html", context)


def _judged(figures):
    return {"figures": figures, "plot": pages.calibration_plot(figures["table"])}


@operator_only
@require_POST
def learning_request(request):
    services.request_reckoning(by=request.user, now=timezone.now())
    messages.success(request, _("A worker reckons with the events now. Look again in a minute."))
    return redirect("matching:learning")
