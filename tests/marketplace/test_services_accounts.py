import pytest

from config.errors import InputRefused
from marketplace.models import User
from marketplace.services import accounts
from tests.factories import UserFactory
from tests.races import race

pytestmark = pytest.mark.django_db
PASSWORD = "ball-valve-50-16"


def test_sign_up_makes_a_user_who_can_log_in():
    user = accounts.sign_up(username="liu", email=" Liu@Example.com ", password=PASSWORD, language="en")

    assert (user.username, user.email, user.language) == ("liu", "liu@example.com", "en")
    assert User.objects.get().check_password(PASSWORD)


def test_sign_up_names_every_field_it_refuses():
    with pytest.raises(InputRefused) as refusal:
        accounts.sign_up(username="two words", email="nowhere", password="12345")

    assert sorted(refusal.value.errors) == ["email", "password", "username"]


def test_sign_up_refuses_an_address_in_use_whatever_its_case():
    UserFactory(email="liu@example.com")

    with pytest.raises(InputRefused) as refusal:
        accounts.sign_up(username="liu2", email="LIU@example.com", password=PASSWORD)

    assert list(refusal.value.errors) == ["email"]


@pytest.mark.django_db(transaction=True)
def test_sign_up_lets_one_of_four_have_the_name():
    outcomes = race(
        *(
            lambda n=n: accounts.sign_up(username="liu", email=f"liu{n}@example.com", password=PASSWORD)
            for n in range(4)
        )
    )

    assert User.objects.count() == 1
    assert sum(isinstance(outcome, InputRefused) for outcome in outcomes) == 3


def test_change_language_is_kept():
    user = UserFactory()

    accounts.change_language(user=user, language="en")

    user.refresh_from_db()
    assert user.language == "en"


def test_change_language_refuses_one_the_platform_does_not_speak():
    with pytest.raises(InputRefused):
        accounts.change_language(user=UserFactory(), language="tlh")
