import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.finance.loan_lifecycles import People, lifecycles


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_debits_are_credits_and_every_limit_holds_through_200_lives():
    run_state_machine_as_test(
        lifecycles(People()),
        settings=settings(
            max_examples=200,
            stateful_step_count=3,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
