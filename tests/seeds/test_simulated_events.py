from datetime import date

from django.core.management import call_command

from matching.ranking.outcomes import read_outcomes
from seeds import simulated_events
from seeds.simulated_events import draw_events

DAY = date(2026, 3, 2)


def small(monkeypatch):
    monkeypatch.setattr(simulated_events, "LEAST_MARKET", 1_500)
    return list(draw_events(60, days=30, first_day=DAY))


def test_events_are_always_the_same_for_one_seed(monkeypatch):
    assert small(monkeypatch) == small(monkeypatch)


def test_events_keep_what_the_model_says(monkeypatch):
    lists = small(monkeypatch)
    shown = [one for outcome in lists for one in outcome["candidates"]]

    assert len(lists) == 60
    assert [outcome["day"] for outcome in lists] == sorted(outcome["day"] for outcome in lists)
    assert {outcome["query"]["side"] for outcome in lists} == {"supply", "demand"}
    assert all(
        [one["position"] for one in outcome["candidates"]] == list(range(1, len(outcome["candidates"]) + 1))
        for outcome in lists
    )
    # Nobody takes up what they do not wish for, and whoever wishes and looks does.
    assert all(one["would"] for one in shown if one["grade"] >= 2)
    assert all(one["acted"] or one["asked"] or one["settled"] for one in shown if one["would"] and one["position"] == 1)
    assert any(one["fulfilled"] is not None for one in shown)


def test_simulate_events_writes_what_train_chances_reads(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(simulated_events, "LEAST_MARKET", 1_500)

    call_command("simulate_events", out=tmp_path / "events.jsonl.gz", lists=40, days=20)

    model, outcomes = read_outcomes(tmp_path / "events.jsonl.gz")
    assert model["name"] == "simulated events of both sides"
    assert len(outcomes) == 40
    assert all(outcome.labels for outcome in outcomes)
    assert "taken up" in capsys.readouterr().out
