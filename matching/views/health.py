from http import HTTPStatus

from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from matching import services


@require_GET
def readyz(request):
    """Say whether everything works that a posted listing needs on its way to a match."""
    state = services.readiness(now=timezone.now())
    answer = {
        "status": "ready" if state.is_ready else "not ready",
        "reasons": state.reasons,
        "warnings": state.warnings,
        "index": {"entries": state.entries, "lag_seconds": state.lag_seconds},
    }
    return JsonResponse(answer, status=HTTPStatus.OK if state.is_ready else HTTPStatus.SERVICE_UNAVAILABLE)
