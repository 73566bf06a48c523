import datetime as dt
import gzip
import json

import numpy as np
import pytest

from matching.ranking.outcomes import OutcomesUnreadable, outcome_groups, read_outcomes
from matching.retrieval.fusion import ScoreFusion

DEMAND = {
    "id": 1,
    "organisation": 7,
    "side": "demand",
    "text": "304 球阀 DN50",
    "window_end": "2026-04-01",
    "required_certificates": ["iso9001"],
}
SUPPLIES = [
    {"id": 2, "organisation": 8, "side": "supply", "text": "304 不锈钢球阀 DN50", "lead_days": 10, "grade": 3},
    {"id": 3, "organisation": 9, "side": "supply", "text": "绿茶 特级", "grade": 0, "delivery_regions": ["330000"]},
]
LINES = [{"model": {"name": "by hand"}}, {"day": "2026-03-02", "query": DEMAND, "candidates": SUPPLIES}]


class LetterEncoder:
    """Embeds a text by which letters it has: enough to tell valves from tea."""

    dim = 64

    def encode(self, texts):
        rows = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for letter in text:
                row[ord(letter) % self.dim] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(params=["outcomes.jsonl", "outcomes.jsonl.gz"])
def file(request, tmp_path):
    path = tmp_path / request.param
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in LINES)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def test_read_outcomes_gives_facts_days_and_grades(file):
    model, (outcome,) = read_outcomes(file)

    assert model == {"name": "by hand"}
    assert outcome.day == dt.date(2026, 3, 2)
    assert outcome.query.window_end == dt.date(2026, 4, 1)
    assert outcome.query.required_certificates == frozenset({"iso9001"})
    assert outcome.candidates[1].delivery_regions == ("330000",)
    assert outcome.grades.tolist() == [3, 0]


@pytest.mark.parametrize(
    ("text", "line"),
    [("", 1), ("{}\n", 1), ('{"model": 1}\n{"day": "2026-03-02"}\n', 2), ('{"model": 1}\nno json\n', 2)],
)
def test_read_outcomes_names_the_line_that_is_wrong(tmp_path, text, line):
    path = tmp_path / "outcomes.jsonl"
    path.write_text(text)

    with pytest.raises(OutcomesUnreadable, match=f"line {line}:"):
        read_outcomes(path)


def test_outcome_groups_hold_the_features_of_what_was_shown(file):
    _, outcomes = read_outcomes(file)

    (group,) = outcome_groups(outcomes, LetterEncoder(), ScoreFusion())

    assert (group.source, group.owner) == ("outcomes", "7")
    assert group.features.shape[0] == 2
    valve, tea = group.features[:, :3]
    assert np.all(valve > tea)
