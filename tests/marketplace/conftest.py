import pytest
from django.utils import timezone


@pytest.fixture
def real_now():
    """Return the present moment, for pages: they read the clock themselves."""
    return timezone.now()
