"""Insurers and guarantors, and the files of banks."""

from django.urls import path

from finance.api import bank_files as bank_files_api
from finance.api import claims as claims_api
from finance.api import covers as covers_api
from finance.views import bank_files, claims, covers, partnerships

urlpatterns = [
    # Partnerships, quotes and covers
    path("partner/partnerships/", partnerships.partnership_list, name="partnership_list"),
    path("partner/partnerships/new/", partnerships.partnership_create, name="partnership_create"),
    path("partner/partnerships/<int:pk>/", partnerships.partnership_detail, name="partnership_detail"),
    path("partner/partnerships/<int:pk>/<slug:act>/", partnerships.partnership_act, name="partnership_act"),
    path("partner/quotes/", covers.partner_quotes, name="partner_quotes"),
    path("partner/quotes/new/", covers.quote_create, name="quote_create"),
    path("partner/quotes/<int:pk>/", covers.quote_detail, name="quote_detail"),
    path("partner/quotes/<int:pk>/quote/", covers.quote_draft, name="quote_draft"),
    path("partner/quotes/<int:pk>/<slug:act>/", covers.quote_act, name="quote_act"),
    path("partner/covers/", covers.partner_covers, name="partner_covers"),
    path("partner/covers/<int:pk>/", covers.guarantee_detail, name="guarantee_detail"),
    path("partner/covers/<int:pk>/release/", covers.guarantee_release, name="guarantee_release"),
    path("partner/covers/<int:pk>/loans/<int:drawdown_pk>/claim/", claims.claim_create, name="claim_create"),
    # Claims
    path("partner/claims/", claims.claim_list, name="claim_list"),
    path("partner/claims/<int:pk>/", claims.claim_detail, name="claim_detail"),
    path("partner/claims/<int:pk>/documents/", claims.claim_documents, name="claim_documents"),
    path("partner/claims/<int:pk>/answer/", claims.claim_answer, name="claim_answer"),
    path("partner/claims/<int:pk>/recoveries/", claims.recovery_create, name="recovery_create"),
    path("partner/claims/<int:pk>/<slug:act>/", claims.claim_act, name="claim_act"),
    path("partner/recoveries/<int:pk>/confirm/", claims.recovery_confirm, name="recovery_confirm"),
    # Bank files
    path("bank/files/", bank_files.bank_files, name="bank_files"),
    path("bank/files/template/", bank_files.bank_file_template, name="bank_file_template"),
    path("bank/files/<int:pk>/", bank_files.bank_file_detail, name="bank_file_detail"),
    path("bank/files/<int:pk>/post/", bank_files.bank_file_post, name="bank_file_post"),
    path("bank/files/<int:pk>/refuse/", bank_files.bank_file_refuse, name="bank_file_refuse"),
    path("bank/breaks/", bank_files.break_list, name="break_list"),
    path("bank/breaks/<int:pk>/", bank_files.break_settle, name="break_settle"),
    # Covers, claims and bank files by API
    path("api/v1/finance/partnerships/", covers_api.PartnershipList.as_view(), name="api_partnership_list"),
    path(
        "api/v1/finance/partnerships/<int:pk>/", covers_api.PartnershipDetail.as_view(), name="api_partnership_detail"
    ),
    path(
        "api/v1/finance/partnerships/<int:pk>/sign-for-bank/",
        covers_api.PartnershipSignForBank.as_view(),
        name="api_partnership_sign_for_bank",
    ),
    path(
        "api/v1/finance/partnerships/<int:pk>/sign/", covers_api.PartnershipSign.as_view(), name="api_partnership_sign"
    ),
    path(
        "api/v1/finance/partnerships/<int:pk>/refuse/",
        covers_api.PartnershipRefuse.as_view(),
        name="api_partnership_refuse",
    ),
    path("api/v1/finance/partnerships/<int:pk>/end/", covers_api.PartnershipEnd.as_view(), name="api_partnership_end"),
    path("api/v1/finance/quotes/", covers_api.CoverQuoteList.as_view(), name="api_quote_list"),
    path("api/v1/finance/quotes/<int:pk>/", covers_api.CoverQuoteDetail.as_view(), name="api_quote_detail"),
    path("api/v1/finance/quotes/<int:pk>/quote/", covers_api.CoverQuoteDraft.as_view(), name="api_quote_draft"),
    path("api/v1/finance/quotes/<int:pk>/release/", covers_api.CoverQuoteRelease.as_view(), name="api_quote_release"),
    path("api/v1/finance/quotes/<int:pk>/return/", covers_api.CoverQuoteReturn.as_view(), name="api_quote_return"),
    path("api/v1/finance/quotes/<int:pk>/decline/", covers_api.CoverQuoteDecline.as_view(), name="api_quote_decline"),
    path("api/v1/finance/quotes/<int:pk>/accept/", covers_api.CoverQuoteAccept.as_view(), name="api_quote_accept"),
    path("api/v1/finance/quotes/<int:pk>/refuse/", covers_api.CoverQuoteRefuse.as_view(), name="api_quote_refuse"),
    path(
        "api/v1/finance/quotes/<int:pk>/withdraw/", covers_api.CoverQuoteWithdraw.as_view(), name="api_quote_withdraw"
    ),
    path("api/v1/finance/guarantees/", covers_api.GuaranteeList.as_view(), name="api_guarantee_list"),
    path("api/v1/finance/guarantees/<int:pk>/", covers_api.GuaranteeDetail.as_view(), name="api_guarantee_detail"),
    path(
        "api/v1/finance/guarantees/<int:pk>/release/",
        covers_api.GuaranteeRelease.as_view(),
        name="api_guarantee_release",
    ),
    path("api/v1/finance/claims/", claims_api.ClaimList.as_view(), name="api_claim_list"),
    path("api/v1/finance/claims/<int:pk>/", claims_api.ClaimDetail.as_view(), name="api_claim_detail"),
    path("api/v1/finance/claims/<int:pk>/file/", claims_api.ClaimFile.as_view(), name="api_claim_file"),
    path("api/v1/finance/claims/<int:pk>/withdraw/", claims_api.ClaimWithdraw.as_view(), name="api_claim_withdraw"),
    path("api/v1/finance/claims/<int:pk>/ask/", claims_api.ClaimAsk.as_view(), name="api_claim_ask"),
    path("api/v1/finance/claims/<int:pk>/documents/", claims_api.ClaimDocuments.as_view(), name="api_claim_documents"),
    path("api/v1/finance/claims/<int:pk>/answer/", claims_api.ClaimAnswer.as_view(), name="api_claim_answer"),
    path("api/v1/finance/claims/<int:pk>/return/", claims_api.ClaimReturn.as_view(), name="api_claim_return"),
    path("api/v1/finance/claims/<int:pk>/decide/", claims_api.ClaimDecide.as_view(), name="api_claim_decide"),
    path("api/v1/finance/claims/<int:pk>/close/", claims_api.ClaimClose.as_view(), name="api_claim_close"),
    path("api/v1/finance/claims/<int:pk>/recoveries/", claims_api.RecoveryList.as_view(), name="api_recovery_list"),
    path(
        "api/v1/finance/recoveries/<int:pk>/confirm/", claims_api.RecoveryConfirm.as_view(), name="api_recovery_confirm"
    ),
    path("api/v1/finance/bank-files/", bank_files_api.BankFileList.as_view(), name="api_bank_file_list"),
    path("api/v1/finance/bank-files/<int:pk>/", bank_files_api.BankFileDetail.as_view(), name="api_bank_file_detail"),
    path("api/v1/finance/bank-files/<int:pk>/rows/", bank_files_api.BankFileRows.as_view(), name="api_bank_file_rows"),
    path("api/v1/finance/bank-files/<int:pk>/post/", bank_files_api.BankFilePost.as_view(), name="api_bank_file_post"),
    path(
        "api/v1/finance/bank-files/<int:pk>/refuse/",
        bank_files_api.BankFileRefuse.as_view(),
        name="api_bank_file_refuse",
    ),
    path("api/v1/finance/breaks/", bank_files_api.BreakList.as_view(), name="api_break_list"),
    path("api/v1/finance/breaks/<int:pk>/settle/", bank_files_api.BreakSettle.as_view(), name="api_break_settle"),
]
