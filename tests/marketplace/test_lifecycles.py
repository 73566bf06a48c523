import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.marketplace.lifecycles import People, lifecycles


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_every_quantity_of_an_order_is_always_somewhere():
    run_state_machine_as_test(
        lifecycles(People()),
        settings=settings(
            max_examples=200,
            stateful_step_count=5,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
