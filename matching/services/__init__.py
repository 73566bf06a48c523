from matching.services.advices import Suggestion, SuggestionOutOfDate, apply_suggestion, suggest_changes
from matching.services.events import note_opened, note_seen_in_list, note_shown
from matching.services.health import Readiness, readiness
from matching.services.indexing import hear_changes, index_waiting, save_index
from matching.services.matches import ListingNotOpen, open_negotiation, request_matches, request_runs
from matching.services.quotations import ask_for_quotes
from matching.services.rankers import (
    NothingToRollBack,
    RankerNotPromotable,
    RankerUnproven,
    promote,
    promote_ranker,
    record_ranker,
    roll_back,
)
from matching.services.searches import Search, look_from, nearly_fitting, search

__all__ = [
    "ListingNotOpen",
    "NothingToRollBack",
    "RankerNotPromotable",
    "RankerUnproven",
    "Readiness",
    "Search",
    "Suggestion",
    "SuggestionOutOfDate",
    "apply_suggestion",
    "ask_for_quotes",
    "hear_changes",
    "index_waiting",
    "look_from",
    "nearly_fitting",
    "note_opened",
    "note_seen_in_list",
    "note_shown",
    "open_negotiation",
    "promote",
    "promote_ranker",
    "readiness",
    "record_ranker",
    "request_matches",
    "request_runs",
    "roll_back",
    "save_index",
    "search",
    "suggest_changes",
]
