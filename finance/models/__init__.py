from finance.models.agreement import Agreement
from finance.models.application import Actor, Application, ApplicationDocument, ApplicationEvent
from finance.models.assessment import CreditAssessment, ShadowScore
from finance.models.authority import Authority
from finance.models.consent import Consent, DataGroup, Purpose, RecordRead, consented
from finance.models.decision import Decision
from finance.models.drawdown import Drawdown, RiskClass
from finance.models.finding import Finding, FindingExplanation, FindingRecord, FindingRun
from finance.models.line import CreditLine, Reservation
from finance.models.log import Checkpoint, Cosignature, LogHead, LogLeaf, LogNode, Witness
from finance.models.product import CreditProduct
from finance.models.promotion import PromotionRule
from finance.models.record import RecordImport, RecordKind, TransactionRecord
from finance.models.scorecard import CutOffs, Scorecard

__all__ = [
    "Actor",
    "Agreement",
    "Application",
    "ApplicationDocument",
    "ApplicationEvent",
    "Authority",
    "Checkpoint",
    "Consent",
    "Cosignature",
    "CreditAssessment",
    "CreditLine",
    "CreditProduct",
    "CutOffs",
    "DataGroup",
    "Decision",
    "Drawdown",
    "Finding",
    "FindingExplanation",
    "FindingRecord",
    "FindingRun",
    "LogHead",
    "LogLeaf",
    "LogNode",
    "PromotionRule",
    "Purpose",
    "RecordImport",
    "RecordKind",
    "RecordRead",
    "Reservation",
    "RiskClass",
    "Scorecard",
    "ShadowScore",
    "TransactionRecord",
    "Witness",
    "consented",
]
