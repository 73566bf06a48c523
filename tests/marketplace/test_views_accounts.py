import re

import pytest
from django.core import mail
from django.urls import reverse

from marketplace.models import User
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}
GOOD = {"username": "wang", "email": "wang@example.com", "password": "fine-weather-9"}


def test_sign_up_makes_an_account_logs_in_and_leads_to_the_firm(client):
    response = client.post(reverse("marketplace:sign_up"), GOOD, headers=ENGLISH)

    assert response.url == reverse("marketplace:organisation_create")
    user = User.objects.get(username="wang")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert user.language == "en"


def test_sign_up_goes_where_the_reader_wanted(client):
    response = client.post(reverse("marketplace:sign_up"), GOOD | {"next": "/invitations/abc/"})

    assert response.url == "/invitations/abc/"


def test_sign_up_leads_to_no_other_site(client):
    response = client.post(reverse("marketplace:sign_up"), GOOD | {"next": "https://evil.example/"})

    assert response.url == reverse("marketplace:organisation_create")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nonsense"}, "email"),
        ({"email": "TAKEN@example.com"}, "email"),
        ({"username": "taken"}, "username"),
        ({"password": "123456789"}, "password"),
        ({"username": ""}, "username"),
    ],
)
def test_sign_up_names_the_field_that_is_wrong(client, changes, field):
    UserFactory(username="taken", email="taken@example.com")

    response = client.post(reverse("marketplace:sign_up"), GOOD | changes)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["wang", "Wang@example.com"])
def test_log_in_takes_the_name_or_the_address_and_speaks_the_users_language(client, name):
    user = UserFactory(username="wang", email="wang@example.com", language="en")
    user.set_password(GOOD["password"])
    user.save()

    response = client.post(reverse("marketplace:log_in"), {"username": name, "password": GOOD["password"]})

    assert response.url == reverse("marketplace:workspace")
    assert client.get(response.url).headers["content-language"] == "en"


def test_log_out_needs_a_post(client):
    client.force_login(UserFactory())

    assert client.get(reverse("marketplace:log_out")).status_code == 405
    assert client.post(reverse("marketplace:log_out")).url == reverse("marketplace:home")


def test_password_reset_writes_in_the_users_language_a_link_that_works_once(client):
    user = UserFactory(email="li@example.com", language="en")
    user.set_password("an-old-password-1")
    user.save()

    client.post(reverse("marketplace:password_reset"), {"email": "li@example.com"}, headers={"accept-language": "zh"})

    assert "set a new password" in mail.outbox[0].body
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]
    form_page = client.get(link, follow=True)
    new = {"new_password1": "a-new-password-2", "new_password2": "a-new-password-2"}
    assert client.post(form_page.redirect_chain[-1][0], new).url == reverse("marketplace:password_reset_complete")
    user.refresh_from_db()
    assert user.check_password("a-new-password-2")
    assert client.get(link).context["validlink"] is False


def test_password_reset_does_not_say_whether_an_address_is_known(client):
    response = client.post(reverse("marketplace:password_reset"), {"email": "nobody@example.com"})

    assert response.url == reverse("marketplace:password_reset_done")
    assert mail.outbox == []


def test_language_change_holds_for_the_browser_and_the_account(client):
    user = UserFactory(language="zh-hans")
    client.force_login(user)

    response = client.post(reverse("marketplace:language_change"), {"language": "en", "next": "/workspace/"})

    user.refresh_from_db()
    assert response.url == "/workspace/"
    assert user.language == "en"
    assert client.get("/").headers["content-language"] == "en"


def test_language_change_refuses_a_language_that_is_not_spoken(client):
    client.force_login(UserFactory())

    assert client.post(reverse("marketplace:language_change"), {"language": "xx"}).status_code == 409


@pytest.mark.parametrize("name", ["password_reset_done", "password_reset_complete", "log_in", "sign_up"])
def test_account_pages_open_for_strangers(client, name):
    assert client.get(reverse(f"marketplace:{name}")).status_code == 200


def test_password_change_keeps_the_reader_logged_in(client):
    user = UserFactory()
    user.set_password("an-old-password-1")
    user.save()
    client.force_login(user)
    new = {"new_password1": "a-new-password-2", "new_password2": "a-new-password-2"}

    response = client.post(reverse("marketplace:password_change"), {"old_password": "an-old-password-1"} | new)

    assert client.get(response.url).status_code == 200
