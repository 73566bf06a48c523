import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse

from marketplace.views.gate import FILES, WORKER
from tests.factories_shipment import Story

pytestmark = pytest.mark.django_db
SCRIPTS = [name for name in (*FILES, WORKER) if name.endswith(".js")]


def read(name):
    return Path(finders.find(name)).read_text(encoding="utf-8")


@pytest.fixture
def story(client):
    story = Story()
    client.force_login(story.gatekeeper)
    return story


def test_gate_opens_to_the_staff_of_a_park_and_nobody_else(client, story):
    response = client.get(reverse("marketplace:gate"))

    assert [park["id"] for park in response.context["config"]["parks"]] == [story.park.pk]
    assert "csrftoken" in response.cookies
    client.force_login(story.salesman)
    assert client.get(reverse("marketplace:gate")).status_code == 404
    client.logout()
    assert client.get(reverse("marketplace:gate")).url.startswith(reverse("marketplace:log_in"))


def test_gate_keeps_every_file_that_its_page_asks_for(client, story):
    page = client.get(reverse("marketplace:gate")).text

    asked = set(re.findall(r"/static/([\w/.-]+)", page))

    assert asked <= set(FILES)
    assert all(finders.find(name) for name in (*FILES, WORKER))


def test_gate_has_a_text_for_everything_that_its_scripts_say(client, story):
    texts = client.get(reverse("marketplace:gate")).context["config"]["texts"]

    said = {name for file in SCRIPTS for name in re.findall(r'\bsay\("(\w+)"', read(file))}

    assert said - set(texts) == set()


def test_gate_worker_may_control_the_gate_alone_and_changes_with_its_files(client, settings, tmp_path):
    response = client.get(reverse("marketplace:gate_worker"))

    known = json.loads(re.search(r"self.GATE = (\{.*\});", response.text)[1])
    assert response["Service-Worker-Allowed"] == known["page"] == reverse("marketplace:gate")
    assert response["Content-Type"] == "text/javascript"
    assert len(known["files"]) == len(FILES)
    changed = tmp_path / "js"
    changed.mkdir()
    (changed / "gate.js").write_text("another")
    settings.STATICFILES_DIRS = [tmp_path, *settings.STATICFILES_DIRS]
    finders.get_finder.cache_clear()
    assert known["version"] not in client.get(reverse("marketplace:gate_worker")).text
    finders.get_finder.cache_clear()


def test_gate_manifest_names_the_gate_in_the_readers_language(client):
    manifest = client.get(reverse("marketplace:gate_manifest"), headers={"accept-language": "en"}).json()

    assert (manifest["short_name"], manifest["start_url"], manifest["display"]) == ("Gate", "/gate/", "standalone")
