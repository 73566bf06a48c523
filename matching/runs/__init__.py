from matching.runs.balancing import balance_family
from matching.runs.clearing import clear_market
from matching.runs.gathering import gather_events
from matching.runs.indexing import index_listings
from matching.runs.inviting import invite_visitors
from matching.runs.lead_news import tell_of_projects
from matching.runs.lead_reading import read_firms, read_projects
from matching.runs.matching import find_matches
from matching.runs.outcomes import gathered_outcomes
from matching.runs.pooling import suggest_pools
from matching.runs.proving import prove_recall
from matching.runs.reckoning import reckon
from matching.runs.replaying import demands_of, replay_day
from matching.runs.training import train_ranker

__all__ = [
    "balance_family",
    "clear_market",
    "demands_of",
    "find_matches",
    "gather_events",
    "gathered_outcomes",
    "index_listings",
    "invite_visitors",
    "prove_recall",
    "read_firms",
    "read_projects",
    "reckon",
    "replay_day",
    "suggest_pools",
    "tell_of_projects",
    "train_ranker",
]
