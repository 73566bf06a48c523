from marketplace.models.attachment import Attachment, AttachmentReader
from marketplace.models.category import Category
from marketplace.models.idempotency import IdempotentRequest
from marketplace.models.listing import Listing, ListingAudience, ListingCertificate
from marketplace.models.listing_import import ListingImport
from marketplace.models.mail import Digest, Mail
from marketplace.models.membership import Invitation, Membership
from marketplace.models.notification import Announcement, Notification
from marketplace.models.organisation import Block, Organisation, Report, UsccContest
from marketplace.models.subscription import Channel, Subscription
from marketplace.models.user import User
from marketplace.models.webhook import WebhookAttempt, WebhookEndpoint

__all__ = [
    "Announcement",
    "Attachment",
    "AttachmentReader",
    "Block",
    "Category",
    "Channel",
    "Digest",
    "IdempotentRequest",
    "Invitation",
    "Listing",
    "ListingAudience",
    "ListingCertificate",
    "ListingImport",
    "Mail",
    "Membership",
    "Notification",
    "Organisation",
    "Report",
    "Subscription",
    "UsccContest",
    "User",
    "WebhookAttempt",
    "WebhookEndpoint",
]
