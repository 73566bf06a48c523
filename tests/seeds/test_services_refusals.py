import pytest

from config.errors import InputRefused
from seeds.services import DEMO_USERS, DatabaseNotEmpty, is_empty, seed
from tests.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db

ASKED = {"listings": 30, "organisations": 10, "random_state": 0, "password": "demo-2026"}


def test_seed_refuses_a_database_that_is_in_use(now):
    OrganisationFactory()

    with pytest.raises(DatabaseNotEmpty):
        seed(**ASKED, now=now)


def test_seed_plants_all_or_nothing(monkeypatch, now):
    monkeypatch.setitem(DEMO_USERS, "operator", ("park", "no such role"))

    with pytest.raises(InputRefused):
        seed(**ASKED, now=now)

    assert is_empty()


def test_seed_refuses_a_weak_password(now):
    with pytest.raises(InputRefused, match="password"):
        seed(**{**ASKED, "password": "12345"}, now=now)

    assert is_empty()


def test_database_with_a_user_is_not_empty():
    assert is_empty()

    UserFactory()

    assert not is_empty()
