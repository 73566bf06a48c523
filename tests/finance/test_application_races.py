"""Two people who decide at the same moment: one wins, the other is told."""

import pytest

from finance.models import Application, CreditLine, Decision
from finance.services import agreements, decisions, reviews
from finance.services.credit_actions import ApplicationChanged, ApplicationNotInStateForThis
from tests.factories_application import AuthorityFactory, member, scene
from tests.races import race

pytestmark = pytest.mark.django_db(transaction=True)


def test_confirm_decision_by_two_checkers_at_once_is_done_by_one(now):
    made = scene(now)
    application = made.propose().application
    application.refresh_from_db()
    second = member(made.bank, "checker")
    AuthorityFactory(bank=made.bank, user=second, given_at=now)
    version = application.version

    def confirm(by):
        mine = Application.objects.with_names().get(pk=application.pk)
        return lambda: decisions.confirm_decision(application=mine, by=by, now=now, version=version)

    outcomes = race(confirm(made.checker), confirm(second))

    losers = [one for one in outcomes if isinstance(one, Exception)]
    assert len(losers) == 1
    assert isinstance(losers[0], ApplicationChanged | ApplicationNotInStateForThis)
    decision = Decision.objects.get()
    assert (decision.verdict, decision.version, decision.checked_version) == ("confirmed", version - 1, version)


def test_take_application_by_two_makers_at_once_is_done_by_one(now):
    made = scene(now)
    application = made.submit()
    second = member(made.bank, "maker")

    def take(by):
        mine = Application.objects.with_names().get(pk=application.pk)
        return lambda: reviews.take_application(application=mine, by=by, now=now)

    outcomes = race(take(made.maker), take(second))

    assert sum(isinstance(one, ApplicationNotInStateForThis) for one in outcomes) == 1


def test_countersign_twice_at_once_opens_one_line(now):
    made = scene(now)
    application = made.accept()

    def sign():
        mine = Application.objects.with_names().get(pk=application.pk)
        return lambda: agreements.countersign(application=mine, by=made.checker, now=now)

    outcomes = race(sign(), sign())

    assert sum(isinstance(one, Exception) for one in outcomes) == 1
    assert CreditLine.objects.filter(application=application).count() == 1
