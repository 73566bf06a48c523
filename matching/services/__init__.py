from matching.services.health import Readiness, readiness
from matching.services.indexing import hear_changes, index_waiting, save_index
from matching.services.matches import ListingNotOpen, open_negotiation, request_matches, request_runs
from matching.services.quotations import ask_for_quotes
from matching.services.rankers import RankerUnproven, promote_ranker
from matching.services.searches import Search, look_from, nearly_fitting, search

__all__ = [
    "ListingNotOpen",
    "RankerUnproven",
    "Readiness",
    "Search",
    "ask_for_quotes",
    "hear_changes",
    "index_waiting",
    "look_from",
    "nearly_fitting",
    "open_negotiation",
    "promote_ranker",
    "readiness",
    "request_matches",
    "request_runs",
    "save_index",
    "search",
]
