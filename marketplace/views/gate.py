"""The gate for the phone: one page that opens without a network, and what a browser needs to keep it."""

import hashlib
import json
from pathlib import Path

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.staticfiles import finders
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_GET

from marketplace.models import FulfilmentEvent, Lot, Park, Shipment

FILES = (
    "css/tokens.css",
    "css/base.css",
    "css/forms.css",
    "css/gate.css",
    "js/gate-store.js",
    "js/gate-sync.js",
    "js/gate-camera.js",
    "js/gate-day.js",
    "js/gate-cards.js",
    "js/gate-forms.js",
    "js/gate.js",
    "img/icons.svg",
    "img/mark.svg",
)
WORKER = "js/gate-worker.js"


@never_cache
@ensure_csrf_cookie
@login_required
@require_GET
def gate(request):
    parks = Park.objects.run_by(request.user).with_names().order_by("pk")
    if not parks:
        raise Http404
    return render(request, "marketplace/gate.html", {"config": _config(request, parks)})


@require_GET
def gate_worker(request):
    """Answer with the service worker; it changes with every file that it keeps, so that phones fetch them anew."""
    known = {"version": _version(), "page": reverse("marketplace:gate"), "files": [static(name) for name in FILES]}
    script = f'self.GATE = {json.dumps(known)};\nimportScripts("{static(WORKER)}?{known["version"]}");\n'
    response = HttpResponse(script, content_type="text/javascript")
    response["Service-Worker-Allowed"] = known["page"]
    patch_cache_control(response, no_cache=True)
    return response


@require_GET
def gate_manifest(request):
    """Say how the gate is put on a phone's first screen."""
    start = reverse("marketplace:gate")
    icon = {"src": static("img/mark.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    manifest = {
        "name": _("Park gate"),
        "short_name": _("Gate"),
        "lang": get_language(),
        "start_url": start,
        "scope": start,
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#0b2c45",
        "icons": [icon],
    }
    return JsonResponse(manifest, content_type="application/manifest+json")


def _version() -> str:
    content = hashlib.sha256()
    for name in (*FILES, WORKER):
        content.update(Path(finders.find(name)).read_bytes())
    return content.hexdigest()[:16]


def _config(request, parks) -> dict:
    """Return what the page's scripts know: who works here, where to ask, and every text they may show."""
    return {
        "user": request.user.username,
        "language": get_language(),
        "time_zone": settings.TIME_ZONE,
        "parks": [{"id": park.pk, "name": park.name, "organisation": park.organisation_id} for park in parks],
        "urls": {
            "worker": reverse("marketplace:gate_worker"),
            "page": reverse("marketplace:gate"),
            "today": reverse("marketplace:api_console_today"),
            "find": reverse("marketplace:api_console_find"),
            "scans": reverse("marketplace:api_scan_list"),
            "photo": reverse("marketplace:api_scan_photo"),
            "attachments": reverse("marketplace:api_attachment_create"),
        },
        "statuses": {value: str(label) for value, label in Shipment.Status.choices},
        "lot_statuses": {value: str(label) for value, label in Lot.Status.choices},
        "kinds": {value: str(label) for value, label in FulfilmentEvent.Kind.choices},
        "texts": _texts(),
    }


def _texts() -> dict[str, str]:
    return {
        "online": _("Online"),
        "offline": _("Offline"),
        "sending": _("Sending"),
        "waiting": _("%(count)s waiting"),
        "attention": _("%(count)s to decide"),
        "log_in": _("Log in again"),
        "trouble": _("The server could not take it (%(reason)s). It stays here and is sent again."),
        "as_of": _("as of %(time)s"),
        "device": _("phone %(name)s"),
        "never_loaded": _("The day's shipments were never loaded here. Codes can be typed all the same."),
        "late": _("late"),
        "expected": _("Expected"),
        "here": _("On the grounds"),
        "none_expected": _("Nothing more is expected today."),
        "none_here": _("Nothing is on the grounds."),
        "not_found": _("No such code, number or plate in this park."),
        "unknown_offline": _("Not in today's list. It is recorded by its code and checked when the line is back."),
        "needs_line": _("This needs a network. Type the code instead."),
        "no_code_seen": _("No code could be read in the photo."),
        "no_camera": _("The camera cannot be used here: %(reason)s"),
        "plate": _("Plate"),
        "driver": _("Driver"),
        "seller": _("Sender"),
        "buyers": _("Buyer"),
        "expected_at": _("Expected at"),
        "dock": _("Dock"),
        "declared": _("Goods"),
        "gross": _("Gross"),
        "tare": _("Tare"),
        "net": _("Net"),
        "in_stock": _("in stock"),
        "not_sent": _("in this phone, not sent yet"),
        "recorded": _("Recorded"),
        "recorded_offline": _("Kept in this phone, sent when the line is back"),
        "recorded_at": _("Recorded at %(time)s by %(by)s"),
        "server_says": _("What the server says"),
        "we_recorded": _("What was recorded here"),
        "apply_now": _("Apply now"),
        "send_again": _("Send again"),
        "drop": _("Drop"),
        "edit": _("Edit and send again"),
        "really_drop": _("Drop it for good?"),
        "conflict": _("Does not fit"),
        "refused": _("Refused"),
        "done": _("Done"),
        "waits": _("Waiting"),
        "of_another": _("Waits until %(by)s logs in on this phone"),
        "queue_empty": _("Everything that was recorded here has arrived."),
        "to_decide": _("To decide"),
        "lately": _("Lately done"),
        "need_weight": _("Give the gross or the tare weight in kilograms."),
        "wrong_number": _("“%(value)s” is not a number above zero."),
        "less_than_tare": _("The gross weight is less than the tare."),
        "need_lot": _("Choose at least one lot with a quantity."),
        "need_facility": _("Choose the warehouse."),
        "need_note": _("Write what you saw, or take a photo."),
        "need_code": _("Give the code."),
        "lot": _("Lot"),
        "kg": _("%(value)s kg"),
        "no_storage": _("This browser keeps nothing for later: use another, or stay online."),
    }
