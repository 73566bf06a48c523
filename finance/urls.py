from django.urls import path

from finance.api import consents as consents_api
from finance.api import offline_acts as offline_acts_api
from finance.views import consents, home, offline_acts

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
    # Offline acts
    path("bank/acts/", offline_acts.bank_acts, name="bank_acts"),
    path("bank/acts/<int:pk>/", offline_acts.act_detail, name="act_detail"),
    path("bank/acts/<int:pk>/record/", offline_acts.act_record, name="act_record"),
    path("bank/acts/<int:pk>/confirm/", offline_acts.act_confirm, name="act_confirm"),
    path("bank/acts/<int:pk>/send-back/", offline_acts.act_refuse, name="act_refuse"),
    path("api/v1/finance/acts/", offline_acts_api.OfflineActList.as_view(), name="api_act_list"),
    path("api/v1/finance/acts/<int:pk>/", offline_acts_api.OfflineActDetail.as_view(), name="api_act_detail"),
    path("api/v1/finance/acts/<int:pk>/record/", offline_acts_api.OfflineActRecord.as_view(), name="api_act_record"),
    path("api/v1/finance/acts/<int:pk>/confirm/", offline_acts_api.OfflineActConfirm.as_view(), name="api_act_confirm"),
    path("api/v1/finance/acts/<int:pk>/send-back/", offline_acts_api.OfflineActRefuse.as_view(), name="api_act_refuse"),
]
