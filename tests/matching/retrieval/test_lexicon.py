import re

import pytest

from matching.retrieval.encoder import SHIPPED
from matching.retrieval.lexicon import Entry, LexiconUnreadable, read_lexicon

FOLDER = SHIPPED.parent / "lexicon"


def test_lexicon_reads_names_and_sections(tmp_path):
    (tmp_path / "trade.tsv").write_text("钢\tsteel\n# valves\n阀;阀门\tvalve\n", encoding="utf-8")

    assert read_lexicon(tmp_path) == [
        Entry(("钢",), ("steel",), "trade"),
        Entry(("阀", "阀门"), ("valve",), "trade: valves"),
    ]


@pytest.mark.parametrize("line", ["阀", "阀\t", "阀;\tvalve", "阀\tvalve\tmore"])
def test_lexicon_names_the_line_at_fault(tmp_path, line):
    (tmp_path / "trade.tsv").write_text(f"钢\tsteel\n{line}\n", encoding="utf-8")

    with pytest.raises(LexiconUnreadable, match=r"trade\.tsv, line 2"):
        read_lexicon(tmp_path)


def test_every_shipped_entry_is_chinese_then_english():
    entries = read_lexicon(FOLDER)

    assert len(entries) > 2000
    for entry in entries:
        assert all(re.search(r"[\u4e00-\u9fff]", name) for name in entry.chinese), entry
        assert all(name.isascii() for name in entry.english), entry
