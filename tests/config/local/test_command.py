import pytest

from config.local.command import needs_services


@pytest.mark.parametrize(
    "line",
    [
        *("", "--help", "help migrate", "migrate --help", "version", "makemessages -l en", "check --deploy"),
        *("evaluate_retrieval DIR", "train_ranker DIR", "simulate_outcomes --out FILE", "prepare_benchmark DIR OUT"),
    ],
)
def test_needs_services_not_for_what_needs_no_row(line):
    assert needs_services(line.split()) is False


@pytest.mark.parametrize(
    "line", ["migrate", "seed", "token buyer", "shell", "check --database default", "rebuild_index", "clearsessions"]
)
def test_needs_services_for_everything_else(line):
    assert needs_services(line.split()) is True
