from finance.models.application import Actor, Application, ApplicationEvent, Decision
from finance.models.assessment import CreditAssessment, Scorecard, ShadowScore
from finance.models.consent import Consent, DataGroup, Purpose, RecordRead, consented
from finance.models.drawdown import Drawdown, RiskClass
from finance.models.line import CreditLine, Reservation
from finance.models.log import Checkpoint, Cosignature, LogHead, LogLeaf, LogNode, Witness
from finance.models.product import CreditProduct
from finance.models.record import RecordImport, RecordKind, TransactionRecord

__all__ = [
    "Actor",
    "Application",
    "ApplicationEvent",
    "Checkpoint",
    "Consent",
    "Cosignature",
    "CreditAssessment",
    "CreditLine",
    "CreditProduct",
    "DataGroup",
    "Decision",
    "Drawdown",
    "LogHead",
    "LogLeaf",
    "LogNode",
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
