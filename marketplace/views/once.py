"""A form that is sent twice, by a double click or from a cut line, does its work once."""

import functools
import hashlib
import json
from http import HTTPStatus

from django.core.exceptions import SuspiciousOperation
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from marketplace.services import idempotency

FIELD = "form_key"
LONGEST_KEY = 100
# Differs each time the form is drawn, and says nothing of what was filled in.
NOT_SAID = ("csrfmiddlewaretoken", FIELD)


def _fingerprint(request) -> str:
    said = {name: request.POST.getlist(name) for name in request.POST if name not in NOT_SAID}
    for name in request.FILES:
        said[f"files:{name}"] = [[file.name, _digest(file)] for file in request.FILES.getlist(name)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _digest(file) -> str:
    content = hashlib.sha256()
    for chunk in file.chunks():
        content.update(chunk)
    file.seek(0)
    return content.hexdigest()


def once(view):
    """Let a view that creates by POST do so once per ``{% form_key %}`` of its form.

    The same form again is redirected to where the first went. A view that answers with a page instead of a redirect
    (the form with its errors) has done nothing, and its form may be sent again. Put it under ``login_required``.
    """

    @functools.wraps(view)
    def wrapper(request, *args, **kwargs):
        key = request.POST.get(FIELD, "") if request.method == "POST" else ""
        if len(key) > LONGEST_KEY:
            raise SuspiciousOperation("The form's key is longer than any we gave.")
        if not key or not request.user.is_authenticated:
            return view(request, *args, **kwargs)
        first = []

        def work() -> idempotency.Answer:
            response = view(request, *args, **kwargs)
            first.append(response)
            is_redirect = response.status_code in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER)
            return idempotency.Answer(response.status_code, response.get("Location"), is_kept=is_redirect)

        said = {"key": key, "fingerprint": _fingerprint(request)}
        try:
            answer = idempotency.answer_once(
                user=request.user, scope=request.path[:200], now=timezone.now(), work=work, **said
            )
        except idempotency.IdempotencyKeyReused as reused:
            message = _("This form was sent before with another content. Open it again to send another.")
            raise idempotency.IdempotencyKeyReused(message) from reused
        return redirect(answer.body) if answer.is_replay else first[0]

    return wrapper
