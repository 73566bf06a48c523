import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone


@pytest.fixture
def count_queries(client):
    """Return how many queries a page asks."""

    def count(path: str) -> int:
        with CaptureQueriesContext(connection) as asked:
            response = client.get(path)
        assert response.status_code == 200
        return len(asked)

    return count


@pytest.fixture
def real_now():
    """Return the present moment, for pages: they read the clock themselves."""
    return timezone.now()
