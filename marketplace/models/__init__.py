from marketplace.models.category import Category
from marketplace.models.listing import Listing, ListingAudience, ListingCertificate
from marketplace.models.listing_import import ListingImport
from marketplace.models.membership import Invitation, Membership
from marketplace.models.notification import Digest, Notification, Subscription
from marketplace.models.organisation import Block, Organisation, Report, UsccContest
from marketplace.models.user import User
from marketplace.models.webhook import WebhookAttempt, WebhookEndpoint

__all__ = [
    "Block",
    "Category",
    "Digest",
    "Invitation",
    "Listing",
    "ListingAudience",
    "ListingCertificate",
    "ListingImport",
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
