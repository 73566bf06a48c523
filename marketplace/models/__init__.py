from marketplace.models.attachment import Attachment, AttachmentReader
from marketplace.models.booking import Booking, BookingEvent, HandOver, WaitingEntry
from marketplace.models.category import Category
from marketplace.models.deal_record import DealRecord
from marketplace.models.disclosure import Disclosure
from marketplace.models.dispute import Dispute, DisputeEvidence
from marketplace.models.exhibition import Booth, BoothBooking, Exhibition
from marketplace.models.facility import Facility, FacilityClosure, FacilityHours, PriceItem
from marketplace.models.fee import Fee, Statement
from marketplace.models.fulfilment_event import FulfilmentEvent, ScanConflict, StockMove
from marketplace.models.idempotency import IdempotentRequest
from marketplace.models.inspection import Inspection, InspectionResult
from marketplace.models.listing import Listing, ListingAudience, ListingCertificate
from marketplace.models.listing_import import ListingImport
from marketplace.models.mail import Digest, Mail
from marketplace.models.membership import Invitation, Membership
from marketplace.models.negotiation import Message, Negotiation
from marketplace.models.notification import Announcement, Notification
from marketplace.models.offer import Approval, Offer, OfferLine
from marketplace.models.order import Order, OrderLine, OrderMove
from marketplace.models.organisation import Block, Organisation, Report, UsccContest
from marketplace.models.park import Park
from marketplace.models.payment import Invoice, Payment, PriceReduction
from marketplace.models.pool_supplier import PoolSupplier
from marketplace.models.proposal import Proposal
from marketplace.models.purchase_pool import PoolCommitment, PoolInvitation, PoolPrice, PurchasePool
from marketplace.models.quote import Award, AwardLine, Quote, QuoteLine
from marketplace.models.rating import OrderRecord, Rating
from marketplace.models.receipt import Receipt, ReceiptLine, ReceiptSignature, SigningCode
from marketplace.models.rfq import (
    RequestForQuotation,
    RfqAmendment,
    RfqInvitation,
    RfqLine,
    RfqOpening,
    RfqQuestion,
)
from marketplace.models.shipment import Lot, Package, Shipment
from marketplace.models.short_message import ShortMessage
from marketplace.models.subscription import Channel, Subscription
from marketplace.models.terms import Incoterm, PaymentTerm
from marketplace.models.user import User
from marketplace.models.visit import Lead, Meeting, Visit
from marketplace.models.webhook import WebhookAttempt, WebhookEndpoint

__all__ = [
    "Announcement",
    "Approval",
    "Attachment",
    "AttachmentReader",
    "Award",
    "AwardLine",
    "Block",
    "Booking",
    "BookingEvent",
    "Booth",
    "BoothBooking",
    "Category",
    "Channel",
    "DealRecord",
    "Digest",
    "Disclosure",
    "Dispute",
    "DisputeEvidence",
    "Exhibition",
    "Facility",
    "FacilityClosure",
    "FacilityHours",
    "Fee",
    "FulfilmentEvent",
    "HandOver",
    "IdempotentRequest",
    "Incoterm",
    "Inspection",
    "InspectionResult",
    "Invitation",
    "Invoice",
    "Lead",
    "Listing",
    "ListingAudience",
    "ListingCertificate",
    "ListingImport",
    "Lot",
    "Mail",
    "Meeting",
    "Membership",
    "Message",
    "Negotiation",
    "Notification",
    "Offer",
    "OfferLine",
    "Order",
    "OrderLine",
    "OrderMove",
    "OrderRecord",
    "Organisation",
    "Package",
    "Park",
    "Payment",
    "PaymentTerm",
    "PoolCommitment",
    "PoolInvitation",
    "PoolPrice",
    "PoolSupplier",
    "PriceItem",
    "PriceReduction",
    "Proposal",
    "PurchasePool",
    "Quote",
    "QuoteLine",
    "Rating",
    "Receipt",
    "ReceiptLine",
    "ReceiptSignature",
    "Report",
    "RequestForQuotation",
    "RfqAmendment",
    "RfqInvitation",
    "RfqLine",
    "RfqOpening",
    "RfqQuestion",
    "ScanConflict",
    "Shipment",
    "ShortMessage",
    "SigningCode",
    "Statement",
    "StockMove",
    "Subscription",
    "UsccContest",
    "User",
    "Visit",
    "WaitingEntry",
    "WebhookAttempt",
    "WebhookEndpoint",
]
