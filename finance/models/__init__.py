from finance.models.agreement import Agreement
from finance.models.application import Actor, Application, ApplicationDocument, ApplicationEvent
from finance.models.assessment import CreditAssessment, ShadowScore
from finance.models.authority import Authority
from finance.models.bank_file import BankFile, BankFileRow, ReconciliationBreak
from finance.models.claim import Claim, ClaimEvent, Recovery
from finance.models.consent import Consent, DataGroup, Purpose, RecordRead, consented
from finance.models.cover import CoverQuote, Guarantee
from finance.models.decision import Decision
from finance.models.drawdown import ClassChange, Drawdown, RiskClass
from finance.models.finding import Finding, FindingExplanation, FindingRecord, FindingRun
from finance.models.instalment import Instalment
from finance.models.ledger import Account, Entry, Posting
from finance.models.line import CreditLine, Reservation
from finance.models.line_change import LineChange
from finance.models.log import Checkpoint, Cosignature, LogHead, LogLeaf, LogNode, Witness
from finance.models.monitoring import Alarm, BadLoan, MonitoringRun
from finance.models.offline_act import OfflineAct
from finance.models.partnership import Partnership
from finance.models.product import CreditProduct
from finance.models.programme import ProgrammeInvitation
from finance.models.promotion import PromotionRule
from finance.models.receivable import Assignment, Receivable
from finance.models.record import RecordImport, RecordKind, TransactionRecord
from finance.models.repayment import Repayment
from finance.models.scorecard import CutOffs, Scorecard
from finance.models.voucher import CreditVoucher, VoucherCheck, VoucherPresentation, new_nonce
from finance.models.warning import EarlyWarning, WarningRun

__all__ = [
    "Account",
    "Actor",
    "Agreement",
    "Alarm",
    "Application",
    "ApplicationDocument",
    "ApplicationEvent",
    "Assignment",
    "Authority",
    "BadLoan",
    "BankFile",
    "BankFileRow",
    "Checkpoint",
    "Claim",
    "ClaimEvent",
    "ClassChange",
    "Consent",
    "Cosignature",
    "CoverQuote",
    "CreditAssessment",
    "CreditLine",
    "CreditProduct",
    "CreditVoucher",
    "CutOffs",
    "DataGroup",
    "Decision",
    "Drawdown",
    "EarlyWarning",
    "Entry",
    "Finding",
    "FindingExplanation",
    "FindingRecord",
    "FindingRun",
    "Guarantee",
    "Instalment",
    "LineChange",
    "LogHead",
    "LogLeaf",
    "LogNode",
    "MonitoringRun",
    "OfflineAct",
    "Partnership",
    "Posting",
    "ProgrammeInvitation",
    "PromotionRule",
    "Purpose",
    "Receivable",
    "ReconciliationBreak",
    "RecordImport",
    "RecordKind",
    "RecordRead",
    "Recovery",
    "Repayment",
    "Reservation",
    "RiskClass",
    "Scorecard",
    "ShadowScore",
    "TransactionRecord",
    "VoucherCheck",
    "VoucherPresentation",
    "WarningRun",
    "Witness",
    "consented",
    "new_nonce",
]
