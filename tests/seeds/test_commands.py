import pytest
from django.core.management import CommandError, call_command

from marketplace.models import Listing, Organisation, User
from tests.factories import OrganisationFactory

pytestmark = pytest.mark.django_db


def test_seed_says_what_it_planted_and_takes_the_password_from_the_environment(capsys, monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "another-long-one")

    call_command("seed", listings=30, organisations=12)

    assert "seed: 12 organisations and 30 listings in" in capsys.readouterr().out
    assert (Organisation.objects.count(), Listing.objects.count()) == (12, 30)
    assert User.objects.get(username="buyer").check_password("another-long-one")


def test_seed_refuses_a_used_database_with_one_sentence():
    OrganisationFactory()

    with pytest.raises(CommandError, match=r"^The database is not empty[^.]*\.$|^数据库"):
        call_command("seed", listings=40, organisations=70)


def test_seed_if_empty_leaves_a_used_database_quietly(capsys):
    OrganisationFactory()

    call_command("seed", if_empty=True)

    assert capsys.readouterr().out == ""
    assert Organisation.objects.count() == 1
