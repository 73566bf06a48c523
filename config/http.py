"""How a broken rule becomes an HTTP answer, for pages and for the API; and whether the process is alive."""

import io
from http import HTTPStatus

from django.http import FileResponse, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
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


# Titles of refusals in the reader's language; what is not here keeps its English phrase.
TITLES = {
    HTTPStatus.BAD_REQUEST: gettext_lazy("The input was refused."),
    HTTPStatus.UNAUTHORIZED: gettext_lazy("Log in, or send a valid token."),
    HTTPStatus.FORBIDDEN: gettext_lazy("You may not do this."),
    HTTPStatus.NOT_FOUND: gettext_lazy("There is no such thing, or it is not yours to see."),
    HTTPStatus.METHOD_NOT_ALLOWED: gettext_lazy("This address does not take this method."),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: gettext_lazy("This address does not take this type of content."),
    HTTPStatus.TOO_MANY_REQUESTS: gettext_lazy("Too many requests: come back later."),
}


def _title(status: int) -> str:
    return str(TITLES.get(status) or HTTPStatus(status).phrase)


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
        is_missing = response.status_code == HTTPStatus.NOT_FOUND
        answer = problem(
            status=response.status_code,
            code=getattr(detail, "code", None) or "error",
            title=_title(response.status_code),
            # What Django says of a missing row names our classes.
            detail="" if is_missing else str(detail),
        )
    for header in ("WWW-Authenticate", "Retry-After", "Allow"):
        if header in response.headers:
            answer.headers[header] = response.headers[header]
    return answer


def page_not_found(request, exception=None):
    if request.path.startswith("/api/"):
        return JsonResponse(
            {"type": "about:blank", "title": _title(HTTPStatus.NOT_FOUND), "status": 404, "code": "not_found"},
            status=404,
            content_type="application/problem+json",
        )
    return render(request, "errors/404.html", status=404)


def file_response(content, *, name: str, content_type: str, is_inline: bool = False) -> FileResponse:
    """Serve bytes or an open file as a download; a browser that takes it for a page may neither run nor load anything.

    ``is_inline`` is for pictures that a page of ours draws.
    """
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    response = FileResponse(file, as_attachment=not is_inline, filename=name, content_type=content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "private, no-cache"
    return response


@require_GET
def healthz(request):
    return HttpResponse("ok\n", content_type="text/plain")
