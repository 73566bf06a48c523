import datetime as dt

import pytest
from django.db import IntegrityError

from marketplace.models import IdempotentRequest, Organisation
from marketplace.runs.idempotency import prune_idempotent_requests
from marketplace.services.idempotency import Answer, IdempotencyKeyReused, answer_once
from marketplace.tasks import prune_idempotent_requests as prune_task
from tests.factories import OrganisationFactory, UserFactory
from tests.races import race

pytestmark = pytest.mark.django_db


def once(user, now, work, *, key="k-1", fingerprint="a" * 64):
    return answer_once(user=user, scope="/things/", key=key, fingerprint=fingerprint, now=now, work=work)


def creating(**said):
    return Answer(201, {"id": OrganisationFactory(**said).pk})


def test_answer_once_does_the_work_once_and_gives_its_answer_again(now):
    user = UserFactory()

    first = once(user, now, creating)
    second = once(user, now, creating)

    assert (first.status, second.status, second.body) == (201, 201, first.body)
    assert (first.is_replay, second.is_replay) == (False, True)
    assert Organisation.objects.count() == 1


def test_answer_once_refuses_another_body_under_the_key(now):
    user = UserFactory()
    once(user, now, creating)

    with pytest.raises(IdempotencyKeyReused) as refused:
        once(user, now, creating, fingerprint="b" * 64)

    assert refused.value.code == "idempotency_key_reused"
    assert Organisation.objects.count() == 1


def test_answer_once_keeps_keys_of_people_and_addresses_apart(now):
    user = UserFactory()

    once(user, now, creating)
    once(UserFactory(), now, creating)
    answer_once(user=user, scope="/others/", key="k-1", fingerprint="b" * 64, now=now, work=creating)

    assert Organisation.objects.count() == 3


def test_answer_once_forgets_a_key_whose_work_failed(now):
    user = UserFactory()

    def failing():
        creating()
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - any error of the work
        once(user, now, failing)

    assert (Organisation.objects.count(), IdempotentRequest.objects.count()) == (0, 0)
    assert once(user, now, creating).is_replay is False


def test_answer_once_undoes_what_an_answer_not_kept_wrote(now):
    user = UserFactory()

    answer = once(user, now, lambda: Answer(422, creating().body, is_kept=False))

    assert answer.status == 422
    assert (Organisation.objects.count(), IdempotentRequest.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_answer_once_lets_the_second_of_two_wait_for_the_first(now):
    user = UserFactory()

    answers = race(*[lambda: once(user, now, creating)] * 4)

    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert sorted(answer.is_replay for answer in answers) == [False, True, True, True]
    assert Organisation.objects.count() == 1


def test_a_key_is_kept_once_in_the_database(now):
    user = UserFactory()
    kept = {"user": user, "scope": "/things/", "key": "k-1", "fingerprint": "a" * 64, "created_at": now}
    IdempotentRequest.objects.create(**kept)

    with pytest.raises(IntegrityError, match="idempotent_request_is_answered_once"):
        IdempotentRequest.objects.create(**kept)


def test_an_empty_key_is_refused_by_the_database(now):
    with pytest.raises(IntegrityError, match="idempotent_request_has_a_key"):
        IdempotentRequest.objects.create(user=UserFactory(), scope="/", key="", fingerprint="", created_at=now)


def test_old_requests_are_forgotten_after_a_week(now):
    user = UserFactory()
    once(user, now, creating)
    once(user, now + dt.timedelta(days=2), creating, key="k-2")

    pruned = prune_idempotent_requests(now=now + dt.timedelta(days=8))
    prune_task()  # heard again, by the clock: everything here is long past

    assert pruned == 1
    assert IdempotentRequest.objects.count() == 0
