from matching.models.allotment import Allotment
from matching.models.index_entry import IndexEntry
from matching.models.lead import FirmProfile, LeadContact
from matching.models.learning_run import LearningRun
from matching.models.listing_balance import BalanceRun, ListingBalance
from matching.models.market_proposal import MarketPoint, MarketProposal
from matching.models.match import Match
from matching.models.match_event import MatchEvent
from matching.models.match_run import MatchRun
from matching.models.pool_suggestion import PoolingRun, PoolSuggestion, PoolSuggestionMember
from matching.models.project import BuildingProject, ProjectImport
from matching.models.ranker_model import RankerChange, RankerModel
from matching.models.recall_proof import ProofRun, RecallProof
from matching.models.replay import Replay
from matching.models.training_run import TrainingRun

__all__ = [
    "Allotment",
    "BalanceRun",
    "BuildingProject",
    "FirmProfile",
    "IndexEntry",
    "LeadContact",
    "LearningRun",
    "ListingBalance",
    "MarketPoint",
    "MarketProposal",
    "Match",
    "MatchEvent",
    "MatchRun",
    "PoolSuggestion",
    "PoolSuggestionMember",
    "PoolingRun",
    "ProjectImport",
    "ProofRun",
    "RankerChange",
    "RankerModel",
    "RecallProof",
    "Replay",
    "TrainingRun",
]
