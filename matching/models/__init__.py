from matching.models.index_entry import IndexEntry
from matching.models.match import Match
from matching.models.match_event import MatchEvent
from matching.models.match_run import MatchRun
from matching.models.ranker_model import RankerModel

__all__ = ["IndexEntry", "Match", "MatchEvent", "MatchRun", "RankerModel"]
