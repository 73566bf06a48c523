from marketplace.forms.accounts import LogInForm, PasswordResetForm, SignUpForm
from marketplace.forms.facets import FacetForm
from marketplace.forms.imports import ImportForm
from marketplace.forms.listings import ListingEditForm, SentenceForm
from marketplace.forms.notifications import SubscriptionsForm
from marketplace.forms.offers import DeclineForm, DisclosureForm, MessageForm, NegotiationForm, OfferForm
from marketplace.forms.organisations import (
    ActingFor,
    ApprovalLimitForm,
    ContestForm,
    InvitationForm,
    OrganisationForm,
    ReportForm,
    ReviewForm,
    RoleForm,
)
from marketplace.forms.refusal import ShowsRefusals
from marketplace.forms.webhooks import EndpointForm

__all__ = [
    "ActingFor",
    "ApprovalLimitForm",
    "ContestForm",
    "DeclineForm",
    "DisclosureForm",
    "EndpointForm",
    "FacetForm",
    "ImportForm",
    "InvitationForm",
    "ListingEditForm",
    "LogInForm",
    "MessageForm",
    "NegotiationForm",
    "OfferForm",
    "OrganisationForm",
    "PasswordResetForm",
    "ReportForm",
    "ReviewForm",
    "RoleForm",
    "SentenceForm",
    "ShowsRefusals",
    "SignUpForm",
    "SubscriptionsForm",
]
