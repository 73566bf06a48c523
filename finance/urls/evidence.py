"""What is consented to, done at the branch, and proved."""

from django.urls import path

from finance.api import consents as consents_api
from finance.api import log as log_api
from finance.api import offline_acts as offline_acts_api
from finance.api import vouchers as vouchers_api
from finance.views import consents, log, offline_acts, vouchers

urlpatterns = [
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
    path("bank/acts/<int:pk>/reopen/", offline_acts.act_reopen, name="act_reopen"),
    path("bank/acts/<int:pk>/send-back/", offline_acts.act_refuse, name="act_refuse"),
    path("api/v1/finance/acts/", offline_acts_api.OfflineActList.as_view(), name="api_act_list"),
    path("api/v1/finance/acts/<int:pk>/", offline_acts_api.OfflineActDetail.as_view(), name="api_act_detail"),
    path("api/v1/finance/acts/<int:pk>/record/", offline_acts_api.OfflineActRecord.as_view(), name="api_act_record"),
    path("api/v1/finance/acts/<int:pk>/confirm/", offline_acts_api.OfflineActConfirm.as_view(), name="api_act_confirm"),
    path("api/v1/finance/acts/<int:pk>/reopen/", offline_acts_api.OfflineActReopen.as_view(), name="api_act_reopen"),
    path("api/v1/finance/acts/<int:pk>/send-back/", offline_acts_api.OfflineActRefuse.as_view(), name="api_act_refuse"),
    # The evidence log
    path("evidence/", log.log_detail, name="log_detail"),
    path("evidence/trust.json", log.log_trust, name="log_trust"),
    path("evidence/verify_voucher.py", log.log_verifier, name="log_verifier"),
    path("evidence/sign/", log.log_sign, name="log_sign"),
    path("evidence/witnesses/", log.witness_create, name="witness_create"),
    path("evidence/checkpoints/<int:size>/", log.log_checkpoint, name="log_checkpoint"),
    path("evidence/checkpoints/<int:size>/log/", log.log_export, name="log_export"),
    path("evidence/checkpoints/<int:size>/cosign/", log.log_cosign, name="log_cosign"),
    path("api/v1/finance/log/", log_api.LogHeadDetail.as_view(), name="api_log_detail"),
    path("api/v1/finance/log/trust/", log_api.TrustDetail.as_view(), name="api_log_trust"),
    path("api/v1/finance/log/consistency/", log_api.ConsistencyDetail.as_view(), name="api_log_consistency"),
    path("api/v1/finance/log/leaves/<int:index>/", log_api.LeafDetail.as_view(), name="api_log_leaf"),
    path("api/v1/finance/log/checkpoints/", log_api.CheckpointList.as_view(), name="api_checkpoint_list"),
    path(
        "api/v1/finance/log/checkpoints/<int:size>/", log_api.CheckpointDetail.as_view(), name="api_checkpoint_detail"
    ),
    path(
        "api/v1/finance/log/checkpoints/<int:size>/cosignatures/",
        log_api.CheckpointCosign.as_view(),
        name="api_checkpoint_cosign",
    ),
    path("api/v1/finance/log/witnesses/", log_api.WitnessList.as_view(), name="api_witness_list"),
    # Vouchers
    path("credit/vouchers/", vouchers.voucher_list, name="voucher_list"),
    path("credit/vouchers/new/", vouchers.voucher_create, name="voucher_create"),
    path("credit/vouchers/check/", vouchers.voucher_check, name="voucher_check"),
    path("credit/vouchers/check/<int:pk>/", vouchers.voucher_check_detail, name="voucher_check_detail"),
    path("credit/vouchers/<int:pk>/", vouchers.voucher_detail, name="voucher_detail"),
    path("credit/vouchers/<int:pk>/present/", vouchers.voucher_present, name="voucher_present"),
    path("credit/vouchers/<int:pk>/revoke/", vouchers.voucher_revoke, name="voucher_revoke"),
    path("api/v1/finance/vouchers/", vouchers_api.VoucherList.as_view(), name="api_voucher_list"),
    path("api/v1/finance/vouchers/<int:pk>/", vouchers_api.VoucherDetail.as_view(), name="api_voucher_detail"),
    path(
        "api/v1/finance/vouchers/<int:pk>/present/", vouchers_api.VoucherPresent.as_view(), name="api_voucher_present"
    ),
    path("api/v1/finance/vouchers/<int:pk>/revoke/", vouchers_api.VoucherRevoke.as_view(), name="api_voucher_revoke"),
    path("api/v1/finance/voucher-checks/", vouchers_api.VoucherCheckList.as_view(), name="api_voucher_check_list"),
    path("api/v1/finance/status-list/", vouchers_api.StatusListDetail.as_view(), name="api_status_list"),
]
