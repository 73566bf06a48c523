from matching.services.advices import Suggestion, SuggestionOutOfDate, apply_suggestion, suggest_changes
from matching.services.events import note_opened, note_seen_in_list, note_shown
from matching.services.health import Readiness, readiness
from matching.services.indexing import hear_changes, index_waiting, save_index
from matching.services.learning import request_reckoning
from matching.services.matches import ListingNotOpen, open_negotiation, request_matches, request_runs
from matching.services.nightly import (
    AlreadyAtWork,
    NothingToReplay,
    record_replay,
    request_proof,
    request_replay,
    request_training,
)
from matching.services.quotations import ask_for_quotes
from matching.services.rankers import (
    NothingToRollBack,
    RankerNotPromotable,
    RankerUnproven,
    promote,
    promote_ranker,
    record_candidates,
    record_ranker,
    roll_back,
)
from matching.services.searches import Search, look_from, nearly_fitting, search

__all__ = [
    "AlreadyAtWork",
    "ListingNotOpen",
    "NothingToReplay",
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
    "record_candidates",
    "record_ranker",
    "record_replay",
    "request_matches",
    "request_proof",
    "request_reckoning",
    "request_replay",
    "request_runs",
    "request_training",
    "roll_back",
    "save_index",
    "search",
    "suggest_changes",
]
