from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from marketplace.api import (
    accounts,
    attachments,
    bookings,
    categories,
    console,
    deal_files,
    imports,
    listings,
    memberships,
    notifications,
    organisations,
    parks,
    scans,
    statements,
    webhooks,
)

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="marketplace:api_schema"), name="api_docs"),
    *accounts.urlpatterns,
    *attachments.urlpatterns,
    *deal_files.urlpatterns,
    *categories.urlpatterns,
    *listings.urlpatterns,
    *organisations.urlpatterns,
    *memberships.urlpatterns,
    *imports.urlpatterns,
    *notifications.urlpatterns,
    *webhooks.urlpatterns,
    *scans.urlpatterns,
    *console.urlpatterns,
    *parks.urlpatterns,
    *bookings.urlpatterns,
    *statements.urlpatterns,
]
