"""How a broken rule becomes an HTTP answer, for pages and for the API; and whether the process is alive."""

from http import HTTPStatus

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from config.errors import InputRefused, RuleBroken


class RuleBrokenMiddleware:
    """Show a page with status 409 where a view let a broken rule through."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, RuleBroken):
            return render(request, "errors/rule_broken.html", {"error": exception}, status=HTTPStatus.CONFLICT)
        return None


def problem(*, status: int, code: str, title: str, detail: str = "", errors: dict | None = None) -> Response:
    """Return a problem document as RFC 9457 wants it, with our own ``code`` and ``errors``."""
    body = {"type": "about:blank", "title": title, "status": int(status), "code": code}
    if detail:
        body["detail"] = detail
    if errors is not None:
        body["errors"] = errors
    return Response(body, status=status, content_type="application/problem+json")


def _flatten(detail, prefix: str = "") -> dict[str, list[str]]:
    """Turn DRF's nested detail into dotted field names with lists of messages."""
    if isinstance(detail, dict):
        fields = {}
        for key, value in detail.items():
            fields.update(_flatten(value, f"{prefix}.{key}" if prefix else str(key)))
        return fields
    if isinstance(detail, list):
        if all(isinstance(item, str) for item in detail):
            return {prefix or "non_field_errors": [str(item) for item in detail]}
        fields = {}
        for place, item in enumerate(detail):
            if item:
                fields.update(_flatten(item, f"{prefix}.{place}" if prefix else str(place)))
        return fields
    return {prefix or "non_field_errors": [str(detail)]}


def api_exception_handler(exception, context):
    if isinstance(exception, InputRefused):
        set_rollback()
        return problem(
            status=HTTPStatus.BAD_REQUEST, code="invalid", title=_("The input was refused."), errors=exception.errors
        )
    if isinstance(exception, RuleBroken):
        set_rollback()
        return problem(
            status=HTTPStatus.CONFLICT, code=exception.code, title=_("A rule forbids this."), detail=str(exception)
        )
    response = exception_handler(exception, context)
    if response is None:
        return None
    if isinstance(exception, exceptions.ValidationError):
        answer = problem(
            status=response.status_code,
            code="invalid",
            title=_("The input was refused."),
            errors=_flatten(exception.detail),
        )
    else:
        detail = response.data.get("detail", "") if isinstance(response.data, dict) else ""
        answer = problem(
            status=response.status_code,
            code=getattr(detail, "code", None) or "error",
            title=HTTPStatus(response.status_code).phrase,
            detail=str(detail),
        )
    for header in ("WWW-Authenticate", "Retry-After", "Allow"):
        if header in response.headers:
            answer.headers[header] = response.headers[header]
    return answer


def page_not_found(request, exception=None):
    if request.path.startswith("/api/"):
        return JsonResponse(
            {"type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found"},
            status=404,
            content_type="application/problem+json",
        )
    return render(request, "errors/404.html", status=404)


@require_GET
def healthz(request):
    return HttpResponse("ok\n", content_type="text/plain")
