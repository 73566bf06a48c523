from django.urls import path

from finance.api import consents as consents_api
from finance.views import consents, home

app_name = "finance"
urlpatterns = [
    path("credit/", home.credit_home, name="credit_home"),
    # Consents
    path("credit/consents/", consents.consent_list, name="consent_list"),
    path("credit/consents/new/", consents.consent_create, name="consent_create"),
    path("credit/consents/<int:pk>/", consents.consent_detail, name="consent_detail"),
    path("credit/consents/<int:pk>/receipt/", consents.consent_receipt, name="consent_receipt"),
    path("credit/consents/<int:pk>/withdraw/", consents.consent_withdraw, name="consent_withdraw"),
    path("credit/reads/", consents.read_list, name="read_list"),
    path("api/v1/finance/consents/", consents_api.ConsentList.as_view(), name="api_consent_list"),
    path("api/v1/finance/consents/<int:pk>/", consents_api.ConsentDetail.as_view(), name="api_consent_detail"),
    path(
        "api/v1/finance/consents/<int:pk>/withdraw/",
        consents_api.ConsentWithdraw.as_view(),
        name="api_consent_withdraw",
    ),
    path("api/v1/finance/reads/", consents_api.ReadList.as_view(), name="api_read_list"),
]
