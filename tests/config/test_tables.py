from django.db import migrations, models
from django.db.migrations.state import ProjectState

from config.tables import CreateTables

PARK = migrations.CreateModel("Park", [("id", models.BigAutoField(primary_key=True))])
GATE = migrations.CreateModel(
    "Gate",
    [("id", models.BigAutoField(primary_key=True)), ("park", models.ForeignKey("app.park", on_delete=models.PROTECT))],
)


def test_create_tables_leads_to_the_same_state_as_one_after_the_other():
    together, apart = ProjectState(), ProjectState()

    CreateTables([PARK, GATE]).state_forwards("app", together)
    for operation in (PARK, GATE):
        operation.state_forwards("app", apart)

    assert together == apart


def test_create_tables_draws_the_models_when_they_are_asked_for():
    state = ProjectState()
    assert not list(state.apps.get_models())

    CreateTables([PARK, GATE]).state_forwards("app", state)

    assert {model.__name__ for model in state.apps.get_models()} == {"Park", "Gate"}
