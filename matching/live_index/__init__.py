"""The index as one process holds it: a cache of rows, brought up to date before every search."""

from matching.live_index.facts import facts_of, facts_of_text, index_text, with_facts
from matching.live_index.index import LiveIndex, live_index
from matching.live_index.outlooks import Outlook, outlooks
from matching.live_index.search import Answer, Found, find
from matching.live_index.trained import encoder, fusion, ranker, ranker_of, text_version

__all__ = [
    "Answer",
    "Found",
    "LiveIndex",
    "Outlook",
    "encoder",
    "facts_of",
    "facts_of_text",
    "find",
    "fusion",
    "index_text",
    "live_index",
    "outlooks",
    "ranker",
    "ranker_of",
    "text_version",
    "with_facts",
]
