from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.errors import RuleBroken
from marketplace.models import IdempotentRequest, User


class IdempotencyKeyReused(RuleBroken):
    def __init__(self, message: str = "") -> None:
        super().__init__(message or _("This key was sent before with another content; send a new key with it."))


@dataclass(frozen=True)
class Answer:
    """What a request was answered; ``is_kept``: it created something, so the same request again gets the same."""

    status: int
    body: object = None
    is_kept: bool = True
    is_replay: bool = False


def answer_once(
    *, user: User, scope: str, key: str, fingerprint: str, now: datetime, work: Callable[[], Answer]
) -> Answer:
    """Do the work and keep its answer under the key, or return the answer that was kept under it before.

    The key and what the work writes are one transaction: either both are there or neither. Two at once: the second
    waits at the unique constraint for the first to end. An answer not to be kept undoes what the work wrote.

    :raises IdempotencyKeyReused: if the key came before with another body
    """
    with transaction.atomic():
        request, is_new = IdempotentRequest.objects.get_or_create(
            user=user, scope=scope, key=key, defaults={"fingerprint": fingerprint, "created_at": now}
        )
        if is_new:
            answer = work()
            if answer.is_kept:
                request.status, request.body = answer.status, answer.body
                request.save(update_fields=["status", "body"])
            else:
                transaction.set_rollback(True)
            return answer
    if request.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return Answer(request.status, request.body, is_replay=True)
