import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from config.errors import InputRefused
from finance.models import LogLeaf, OfflineAct
from finance.runs.offline_acts import watch_acts
from finance.services import offline_acts
from marketplace.models import Notification
from marketplace.services.organisations import OnlyMembersMay
from tests.factories_cover import cover_scene, paper

pytestmark = pytest.mark.django_db
D = Decimal
DAY = dt.timedelta(days=1)
Kind, Status = OfflineAct.Kind, OfflineAct.Status


@pytest.fixture
def scene(now):
    return cover_scene(now)


@pytest.fixture
def act(scene, now):
    return OfflineAct.objects.expect(
        kind=Kind.PLEDGE_REGISTERED, application=scene.application, due_by=now + 7 * DAY, at=now
    )


def record(act, scene, now, **changes):
    said = {"reference": "ZJ-1", "occurred_on": now.date(), **changes}
    return offline_acts.record_act(act=act, said=said, upload=paper(), by=scene.maker, now=now)


def test_act_is_recorded_with_evidence_and_confirmed_by_a_second_person(scene, act, now):
    record(act, scene, now)
    offline_acts.confirm_act(act=act, by=scene.checker, now=now)

    act.refresh_from_db()
    assert (act.status, act.recorded_by, act.confirmed_by) == (Status.CONFIRMED, scene.maker, scene.checker)
    assert LogLeaf.objects.get(kind="act.confirmed").content["paper"] == act.attachment.sha256


def test_act_that_is_awaited_is_expected_once(scene, act, now):
    again = OfflineAct.objects.expect(
        kind=Kind.PLEDGE_REGISTERED, application=scene.application, due_by=now + DAY, at=now
    )

    assert again == act


def test_act_paper_is_read_by_bank_and_firm(scene, act, now):
    record(act, scene, now)

    readers = set(act.attachment.organisation_readers.all())
    assert readers == {scene.bank, scene.firm}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"reference": " "}, "reference"),
        ({"reference": "x" * 101}, "reference"),
        ({"occurred_on": "2026-03-03"}, "occurred_on"),
        ({"occurred_on": "yesterday"}, "occurred_on"),
        ({"amount": "-1"}, "amount"),
        ({"note": "x" * 501}, "note"),
    ],
)
def test_act_record_that_says_too_little_is_refused(scene, act, now, said, field):
    with pytest.raises(InputRefused) as refused:
        record(act, scene, now, **said)

    assert list(refused.value.errors) == [field]
    act.refresh_from_db()
    assert act.status == Status.EXPECTED


def test_act_on_paper_needs_the_paper(scene, act, now):
    with pytest.raises(InputRefused) as refused:
        offline_acts.record_act(act=act, said={"reference": "1", "occurred_on": now.date()}, by=scene.maker, now=now)

    assert list(refused.value.errors) == ["file"]


def test_act_of_money_is_of_the_amount_that_was_agreed(scene, now):
    act = OfflineAct.objects.expect(
        kind=Kind.FUNDS_PAID, drawdown=scene.loan(), amount=D(500_000), due_by=now + DAY, at=now
    )

    with pytest.raises(InputRefused) as refused:
        record(act, scene, now, amount="499999.99")

    assert list(refused.value.errors) == ["amount"]


def test_act_is_not_confirmed_by_who_recorded_it(scene, act, now):
    record(act, scene, now)
    scene.bank.memberships.filter(user=scene.maker).update(role="checker")

    with pytest.raises(offline_acts.SecondPersonNeeded):
        offline_acts.confirm_act(act=act, by=scene.maker, now=now)
    with pytest.raises(offline_acts.SecondPersonNeeded):
        offline_acts.refuse_act(act=act, reason="no", by=scene.maker, now=now)


def test_act_is_recorded_and_confirmed_by_those_whose_role_it_is(scene, act, now):
    with pytest.raises(OnlyMembersMay):
        offline_acts.record_act(act=act, said={}, by=scene.checker, now=now)
    record(act, scene, now)
    with pytest.raises(OnlyMembersMay):
        offline_acts.confirm_act(act=act, by=scene.owner, now=now)


def test_act_is_confirmed_once(scene, act, now):
    record(act, scene, now)
    offline_acts.confirm_act(act=act, by=scene.checker, now=now)

    with pytest.raises(offline_acts.ActNotInStateForThis):
        offline_acts.confirm_act(act=act, by=scene.checker, now=now)


def test_act_sent_back_is_recorded_anew(scene, act, now):
    record(act, scene, now)
    offline_acts.refuse_act(act=act, reason="Unreadable", by=scene.checker, now=now)
    assert (act.status, act.refusal) == (Status.REFUSED, "Unreadable")

    record(act, scene, now, reference="ZJ-2")

    assert (act.status, act.reference, act.refusal) == (Status.RECORDED, "ZJ-2", "")


def test_act_is_sent_back_with_a_reason(scene, act, now):
    record(act, scene, now)

    with pytest.raises(InputRefused):
        offline_acts.refuse_act(act=act, reason=" ", by=scene.checker, now=now)


def test_act_confirmed_in_the_clocks_absence_tells_each_once(scene, act, now):
    watch_acts(now=now)
    watch_acts(now=now + DAY)
    assert Notification.objects.filter(user=scene.maker, event="act.expected", channel="in_app").count() == 1

    record(act, scene, now)
    for days in (3, 4):
        watch_acts(now=now + days * DAY)
    assert Notification.objects.filter(user=scene.checker, event="act.overdue", channel="in_app").count() == 1


def test_act_nobody_does_becomes_overdue_and_is_given_up(scene, act, now):
    watch_acts(now=now + 8 * DAY)
    act.refresh_from_db()
    assert act.status == Status.OVERDUE

    watch_acts(now=now + 22 * DAY)
    act.refresh_from_db()
    assert act.status == Status.TIMED_OUT
    with pytest.raises(offline_acts.ActNotInStateForThis):
        record(act, scene, now)


def test_act_given_up_is_expected_once_more(scene, act, now):
    with pytest.raises(offline_acts.ActNotInStateForThis):
        offline_acts.reopen_act(act=act, by=scene.maker, now=now)
    watch_acts(now=now + 8 * DAY)
    watch_acts(now=now + 22 * DAY)

    offline_acts.reopen_act(act=act, by=scene.maker, now=now + 23 * DAY)

    assert (act.status, act.due_by) == (Status.EXPECTED, now + 30 * DAY)
    watch_acts(now=now + 23 * DAY)
    act.refresh_from_db()
    assert act.told_at == now + 23 * DAY


def test_act_overdue_may_still_be_recorded(scene, act, now):
    watch_acts(now=now + 8 * DAY)

    record(act, scene, now)

    assert act.status == Status.RECORDED


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"application": None}, "offline_act_is_about_one_thing_of_its_kind"),
        ({"kind": "funds_paid"}, "offline_act_is_about_one_thing_of_its_kind"),
        ({"status": "confirmed"}, "offline_act"),
    ],
)
def test_act_constraints_are_the_databases(act, changes, name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        OfflineAct.objects.filter(pk=act.pk).update(**changes)


def test_act_recorded_and_confirmed_by_one_person_is_refused_by_the_database(scene, act, now):
    record(act, scene, now)

    with pytest.raises(IntegrityError, match="offline_act_is_confirmed_by_a_second_person"), transaction.atomic():
        OfflineAct.objects.filter(pk=act.pk).update(confirmed_by=scene.maker, confirmed_at=now)


def test_act_recorded_without_its_number_is_refused_by_the_database(scene, act, now):
    record(act, scene, now)

    with pytest.raises(IntegrityError, match="offline_act_recorded_has_evidence"), transaction.atomic():
        OfflineAct.objects.filter(pk=act.pk).update(reference="")


def test_act_on_paper_without_paper_is_refused_by_the_database(scene, act, now):
    record(act, scene, now)

    with pytest.raises(IntegrityError, match="offline_act_on_paper_has_the_paper"), transaction.atomic():
        OfflineAct.objects.filter(pk=act.pk).update(attachment=None)


def test_act_of_money_without_amount_is_refused_by_the_database(scene, now):
    act = OfflineAct.objects.expect(kind=Kind.FUNDS_PAID, drawdown=scene.loan(), due_by=now, at=now)

    with pytest.raises(IntegrityError, match="offline_act_of_money_says_how_much"), transaction.atomic():
        OfflineAct.objects.filter(pk=act.pk).update(
            status="recorded", reference="1", occurred_on=now.date(), recorded_by=scene.maker, recorded_at=now
        )
