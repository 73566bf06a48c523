import io

import pytest
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template import Context, Template
from django.test import RequestFactory
from django.urls import reverse
from PIL import Image

from marketplace.forms.files import FilesField
from marketplace.models import Organisation
from marketplace.services.attachments import store_attachment
from marketplace.services.idempotency import IdempotencyKeyReused
from marketplace.views.once import once
from tests.factories import OrganisationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client):
    user = UserFactory()
    client.force_login(user)
    return user


def stored(name, content, readers, now):
    return store_attachment(upload=SimpleUploadedFile(name, content), by=UserFactory(), readers=readers, now=now)


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    return out.getvalue()


def test_attachment_download_gives_the_file_as_a_download(client, reader, now):
    kept = stored("合格证.txt", "合格".encode(), [OrganisationFactory(members=[reader])], now)

    answer = client.get(reverse("marketplace:attachment_download", args=[kept.pk]), {"inline": ""})

    assert b"".join(answer.streaming_content) == "合格".encode()
    assert answer["Content-Type"] == "text/plain"
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''%E5%90%88")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_attachment_download_draws_pictures_in_pages(client, reader, now):
    kept = stored("photo.png", png(), [OrganisationFactory(members=[reader])], now)

    answer = client.get(reverse("marketplace:attachment_download", args=[kept.pk]), {"inline": ""})

    assert b"".join(answer.streaming_content) == png()
    assert answer["Content-Disposition"] == 'inline; filename="photo.png"'


def test_attachment_download_is_not_found_by_strangers(client, now):
    kept = stored("a.txt", b"a", [OrganisationFactory(members=[UserFactory()])], now)
    url = reverse("marketplace:attachment_download", args=[kept.pk])

    anonymous = client.get(url)
    client.force_login(UserFactory())

    assert anonymous.status_code == 302
    assert client.get(url).status_code == 404


@once
def creating(request):
    if request.POST.get("name") == "wrong":
        OrganisationFactory()
        return HttpResponse("the form again", status=422)
    made = OrganisationFactory(name_zh=request.POST["name"])
    return redirect(f"/organisations/{made.pk}/")


def post(user, **said):
    request = RequestFactory().post("/organisations/new/", said)
    request.user = user
    return request


def test_once_creates_once_and_redirects_to_the_same_place():
    user = UserFactory()

    first = creating(post(user, name="新厂", form_key="k", csrfmiddlewaretoken="a"))
    again = creating(post(user, name="新厂", form_key="k", csrfmiddlewaretoken="b"))

    assert (first.status_code, again.status_code, again.url) == (302, 302, first.url)
    assert Organisation.objects.count() == 1


def test_once_lets_a_form_with_errors_be_sent_again():
    user = UserFactory()

    wrong = creating(post(user, name="wrong", form_key="k"))
    right = creating(post(user, name="新厂", form_key="k"))

    assert (wrong.status_code, wrong.content, right.status_code) == (422, b"the form again", 302)
    assert Organisation.objects.count() == 1


def test_once_refuses_another_content_under_the_key():
    user = UserFactory()
    creating(post(user, name="新厂", form_key="k"))

    with pytest.raises(IdempotencyKeyReused):
        creating(post(user, name="别厂", form_key="k"))


def test_once_counts_files_by_their_content():
    user = UserFactory()

    def send(content):
        return creating(post(user, name="新厂", form_key="k", file=SimpleUploadedFile("a.txt", content)))

    assert send(b"a").url == send(b"a").url
    with pytest.raises(IdempotencyKeyReused):
        send(b"b")


def test_once_asks_nothing_without_a_key_and_refuses_one_we_never_gave():
    user = UserFactory()

    creating(post(user, name="新厂"))
    creating(post(user, name="新厂"))

    assert Organisation.objects.count() == 2
    with pytest.raises(SuspiciousOperation):
        creating(post(user, name="新厂", form_key="k" * 101))


def test_form_key_is_another_each_time():
    template = Template("{% load market %}{% form_key %}")

    assert template.render(Context()) != template.render(Context())


def test_files_field_takes_several_files_and_says_when_they_are_too_many():
    files = [SimpleUploadedFile(f"{number}.txt", b"a") for number in range(11)]

    assert FilesField().clean(files[:10]) == files[:10]
    assert FilesField().clean([]) == []
    with pytest.raises(ValidationError, match="10"):
        FilesField().clean(files)
    with pytest.raises(ValidationError):
        FilesField(required=True).clean([])
