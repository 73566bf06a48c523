from django.core.cache import cache
from django.db.models import Count
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from marketplace.models import Listing, Organisation

# The clusters of the catalogue: what they trade and where they are.
CLUSTERS = {
    "pumps_valves": (_("Pumps and valves"), _("Yuhuan")),
    "chemicals_plastics": (_("Chemicals and plastics"), _("Zhoushan")),
    "textiles": (_("Textiles"), _("Keqiao")),
    "tea": (_("Tea"), _("Rizhao")),
    "biomedicine": (_("Biomedicine"), _("Hangzhou")),
    "nev_parts": (_("New energy vehicle parts"), _("Chongqing")),
}
# Figures that a stranger's every visit shows may be this old.
FIGURES_LAST_SECONDS = 30
FRESH = 9


def _figures() -> dict:
    """Count what is open to everybody, by side and by cluster."""
    public = Listing.objects.open(timezone.now()).filter(visibility=Listing.Visibility.PUBLIC)
    sides = dict(public.order_by().values_list("side").annotate(Count("pk")))
    clusters = dict(public.order_by().values_list("category__cluster").annotate(Count("pk")))
    return {
        "supply": sides.get(Listing.Side.SUPPLY, 0),
        "demand": sides.get(Listing.Side.DEMAND, 0),
        "organisations": Organisation.objects.approved().count(),
        "clusters": clusters,
    }


@require_GET
def home(request):
    figures = cache.get_or_set("home.figures", _figures, FIGURES_LAST_SECONDS)
    fresh = Listing.objects.open(timezone.now()).shown_to(request.user).with_names().order_by("-published_at", "-pk")
    clusters = [
        {"code": code, "name": name, "place": place, "count": figures["clusters"][code]}
        for code, (name, place) in CLUSTERS.items()
        if figures["clusters"].get(code)
    ]
    context = {"figures": figures, "fresh": fresh[:FRESH], "clusters": clusters}
    return render(request, "marketplace/home.html", context)
