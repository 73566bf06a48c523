from matching.models.index_entry import IndexEntry
from matching.models.lead import FirmProfile, LeadContact
from matching.models.match import Match
from matching.models.match_event import MatchEvent
from matching.models.match_run import MatchRun
from matching.models.project import BuildingProject
from matching.models.ranker_model import RankerModel

__all__ = ["BuildingProject", "FirmProfile", "IndexEntry", "LeadContact", "Match", "MatchEvent", "MatchRun", "RankerModel"]
