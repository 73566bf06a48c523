import io

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def test_schema_is_valid_and_without_warnings():
    out = io.StringIO()

    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)

    assert "/api/v1/listings/" in out.getvalue()


def test_schema_describes_refusals(client):
    schema = client.get("/api/v1/schema/?format=json").json()

    refusals = schema["paths"]["/api/v1/listings/"]["post"]["responses"]
    assert {"201", "200", "400", "401", "409"} <= set(refusals)
    assert list(refusals["409"]["content"]) == ["application/problem+json"]


def test_schema_and_docs_are_served(client):
    schema = client.get("/api/v1/schema/")
    docs = client.get("/api/v1/docs/")

    assert (schema.status_code, docs.status_code) == (200, 200)
    assert b"cdn" not in docs.content.lower()


def test_an_unknown_address_is_a_problem_document(client):
    answer = client.get("/api/v1/nowhere/")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
