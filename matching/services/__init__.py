from matching.services.health import Readiness, readiness
from matching.services.indexing import hear_changes, index_waiting, save_index
from matching.services.matches import ListingNotOpen, request_matches, request_runs
from matching.services.searches import Search, look_from, search

__all__ = [
    "ListingNotOpen",
    "Readiness",
    "Search",
    "hear_changes",
    "index_waiting",
    "look_from",
    "readiness",
    "request_matches",
    "request_runs",
    "save_index",
    "search",
]
