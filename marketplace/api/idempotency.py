"""The header by which a caller names a request that creates something: sent again, it creates nothing twice."""

import functools
import hashlib
import json
from http import HTTPStatus

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from marketplace.services import idempotency

HEADER = "Idempotency-Key"
REPLAY_HEADER = "Idempotent-Replay"
LONGEST_KEY = 100
PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="Names this request: the same key and body again get the first answer, another body gets 409.",
)


def fingerprint_of(data: object) -> str:
    """Return what is the same for the same body; a file counts by its content."""
    if isinstance(data, QueryDict):
        data = {name: data.getlist(name) for name in data}
    plain = json.dumps(data, sort_keys=True, default=_plain)
    return hashlib.sha256(plain.encode()).hexdigest()


def _plain(value: object) -> str:
    if not isinstance(value, UploadedFile):
        return str(value)
    content = hashlib.sha256()
    for chunk in value.chunks():
        content.update(chunk)
    value.seek(0)
    return f"{value.name}:{content.hexdigest()}"


def key_of(request) -> str:
    key = request.headers.get(HEADER, "").strip()
    if len(key) > LONGEST_KEY:
        message = _("At most %(count)d characters.") % {"count": LONGEST_KEY}
        raise serializers.ValidationError({HEADER: [message]})
    return key


class CreatingView(APIView):
    """A view whose POST creates something: write ``create``, and the key that a caller may send is seen to.

    ``create`` answers 2xx with plain data, or raises; what it raises undoes everything, and the key may be used again.
    """

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        if "create" in cls.__dict__:
            # So that what is said of ``create`` (its docstring, extend_schema) is said of this class's POST.
            cls.post = extend_schema(parameters=[PARAMETER])(_post_for(cls.create))

    def create(self, request, *args, **kwargs) -> Response:
        raise NotImplementedError

    def create_once(self, request, *args, **kwargs) -> Response:
        key = key_of(request)
        if not key or not request.user.is_authenticated:
            return self.create(request, *args, **kwargs)
        first: list[Response] = []

        def work() -> idempotency.Answer:
            response = self.create(request, *args, **kwargs)
            first.append(response)
            body = json.loads(JSONRenderer().render(response.data) or "null")
            return idempotency.Answer(response.status_code, body, is_kept=response.status_code < HTTPStatus.BAD_REQUEST)

        answer = idempotency.answer_once(
            user=request.user,
            scope=request.path[:200],
            key=key,
            fingerprint=fingerprint_of(request.data),
            now=timezone.now(),
            work=work,
        )
        if answer.is_replay:
            return Response(answer.body, status=answer.status, headers={REPLAY_HEADER: "true"})
        return first[0]


def _post_for(create):
    @functools.wraps(create)
    def post(self, request, *args, **kwargs):
        return self.create_once(request, *args, **kwargs)

    # A copy: the schema of POST is a layer over that of ``create``.
    post.kwargs = dict(getattr(create, "kwargs", {}))
    return post
