import pytest

from tests.factories import UserFactory


@pytest.fixture
def hasty(monkeypatch):
    """Let a stop of the dial be computed in a moment: the markets of tests are small."""
    monkeypatch.setattr("matching.runs.clearing.PATIENCE", 0.05)
    monkeypatch.setattr("matching.runs.clearing.LEAST_PATIENCE", 0.05)


@pytest.fixture
def operator():
    return UserFactory(is_staff=True, language="en")
