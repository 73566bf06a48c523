from matching.runs.gathering import gather_events
from matching.runs.indexing import index_listings
from matching.runs.inviting import invite_visitors
from matching.runs.matching import find_matches

__all__ = ["find_matches", "gather_events", "index_listings", "invite_visitors"]
