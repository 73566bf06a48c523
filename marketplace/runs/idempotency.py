from datetime import datetime

from marketplace.models import IdempotentRequest


def prune_idempotent_requests(*, now: datetime) -> int:
    """Forget requests a week old; return how many."""
    deleted, _by_model = IdempotentRequest.objects.outdated(now).delete()
    return deleted
