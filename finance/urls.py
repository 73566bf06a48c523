from django.urls import path, re_path

from finance.api import applications as applications_api
from finance.api import assessments as assessments_api
from finance.api import bank_files as bank_files_api
from finance.api import claims as claims_api
from finance.api import consents as consents_api
from finance.api import covers as covers_api
from finance.api import findings as findings_api
from finance.api import late_payments as late_payments_api
from finance.api import lending as lending_api
from finance.api import lines as lines_api
from finance.api import log as log_api
from finance.api import monitoring as monitoring_api
from finance.api import offline_acts as offline_acts_api
from finance.api import products as products_api
from finance.api import receivables as receivables_api
from finance.api import records as records_api
from finance.api import scorecards as scorecards_api
from finance.api import vouchers as vouchers_api
from finance.api import warnings as warnings_api
from finance.views import (
    applications,
    authorities,
    bank_files,
    bank_lines,
    claims,
    consents,
    covers,
    findings,
    home,
    late_payments,
    loans,
    log,
    monitoring,
    offline_acts,
    orders_on_credit,
    partnerships,
    portfolio,
    products,
    programmes,
    promotions,
    receivables,
    record_imports,
    records,
    reviews,
    scorecards,
    scores,
    vouchers,
    warnings,
)

app_name = "finance"
urlpatterns = [
    path("credit/", home.credit_home, name="credit_home"),
    # Products and who may decide
    path("credit/products/", products.product_list, name="product_list"),
    path("bank/products/", products.bank_products, name="bank_products"),
    path("bank/products/new/", products.product_create, name="product_create"),
    path("bank/products/<int:pk>/", products.product_edit, name="product_edit"),
    path("bank/products/<int:pk>/open/", products.product_open, name="product_open"),
    path("bank/authorities/", authorities.authority_list, name="authority_list"),
    path("bank/authorities/<int:pk>/end/", authorities.authority_end, name="authority_end"),
    # Applications
    path("credit/applications/", applications.application_list, name="application_list"),
    path("credit/products/<int:product_pk>/apply/", applications.application_create, name="application_create"),
    path("credit/applications/<int:pk>/", applications.application_detail, name="application_detail"),
    path("credit/applications/<int:pk>/edit/", applications.application_edit, name="application_edit"),
    path("credit/applications/<int:pk>/submit/", applications.application_submit, name="application_submit"),
    path("credit/applications/<int:pk>/answer/", applications.application_answer, name="application_answer"),
    path("credit/applications/<int:pk>/documents/", applications.application_documents, name="application_documents"),
    path("credit/applications/<int:pk>/withdraw/", applications.application_withdraw, name="application_withdraw"),
    path("credit/applications/<int:pk>/accept/", applications.application_accept, name="application_accept"),
    path("bank/queue/", reviews.bank_queue, name="bank_queue"),
    path("bank/queue/export.<str:suffix>", reviews.bank_queue_export, name="bank_queue_export"),
    path("bank/applications/<int:pk>/", reviews.bank_application, name="bank_application"),
    path("bank/applications/<int:pk>/take/", reviews.application_take, name="application_take"),
    path("bank/applications/<int:pk>/take-over/", reviews.application_take_over, name="application_take_over"),
    path("bank/applications/<int:pk>/ask/", reviews.application_ask, name="application_ask"),
    path("bank/applications/<int:pk>/note/", reviews.application_note, name="application_note"),
    path("bank/applications/<int:pk>/propose/", reviews.application_propose, name="application_propose"),
    path("bank/applications/<int:pk>/confirm/", reviews.application_confirm, name="application_confirm"),
    path("bank/applications/<int:pk>/send-back/", reviews.application_send_back, name="application_send_back"),
    path("bank/applications/<int:pk>/sign/", reviews.application_countersign, name="application_countersign"),
    path(
        "bank/applications/<int:pk>/documents/<int:document_pk>/",
        reviews.application_document,
        name="application_document",
    ),
    path("bank/decisions/<int:pk>/", reviews.decision_replay, name="decision_replay"),
    path("api/v1/finance/products/", products_api.CreditProductList.as_view(), name="api_credit_product_list"),
    path(
        "api/v1/finance/products/<int:pk>/",
        products_api.CreditProductDetail.as_view(),
        name="api_credit_product_detail",
    ),
    path(
        "api/v1/finance/products/<int:pk>/open/",
        products_api.CreditProductOpen.as_view(),
        name="api_credit_product_open",
    ),
    path("api/v1/finance/offers/", products_api.CreditOfferList.as_view(), name="api_credit_offer_list"),
    path("api/v1/finance/authorities/", products_api.AuthorityList.as_view(), name="api_authority_list"),
    path("api/v1/finance/authorities/<int:pk>/end/", products_api.AuthorityEnd.as_view(), name="api_authority_end"),
    path("api/v1/finance/applications/", applications_api.ApplicationList.as_view(), name="api_application_list"),
    path(
        "api/v1/finance/applications/confirm/",
        applications_api.ApplicationConfirmMany.as_view(),
        name="api_application_confirm_many",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/",
        applications_api.ApplicationDetail.as_view(),
        name="api_application_detail",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/submit/",
        applications_api.ApplicationSubmit.as_view(),
        name="api_application_submit",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/answer/",
        applications_api.ApplicationAnswer.as_view(),
        name="api_application_answer",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/documents/",
        applications_api.ApplicationDocuments.as_view(),
        name="api_application_documents",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/withdraw/",
        applications_api.ApplicationWithdraw.as_view(),
        name="api_application_withdraw",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/accept/",
        applications_api.ApplicationAccept.as_view(),
        name="api_application_accept",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/take/",
        applications_api.ApplicationTake.as_view(),
        name="api_application_take",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/take-over/",
        applications_api.ApplicationTakeOver.as_view(),
        name="api_application_take_over",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/ask/",
        applications_api.ApplicationAsk.as_view(),
        name="api_application_ask",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/note/",
        applications_api.ApplicationNote.as_view(),
        name="api_application_note",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/propose/",
        applications_api.ApplicationPropose.as_view(),
        name="api_application_propose",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/confirm/",
        applications_api.ApplicationConfirm.as_view(),
        name="api_application_confirm",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/send-back/",
        applications_api.ApplicationSendBack.as_view(),
        name="api_application_send_back",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/sign/",
        applications_api.ApplicationSign.as_view(),
        name="api_application_sign",
    ),
    path(
        "api/v1/finance/applications/<int:pk>/review/",
        applications_api.ApplicationReview.as_view(),
        name="api_application_review",
    ),
    path("api/v1/finance/decisions/<int:pk>/", applications_api.DecisionReplay.as_view(), name="api_decision_replay"),
    # Scores
    path("credit/score/", scores.score, name="score"),
    path("credit/score/<int:organisation_id>/request/", scores.score_request, name="score_request"),
    path("credit/scores/<int:pk>/", scores.assessment_detail, name="assessment_detail"),
    path("bank/applications/<int:pk>/score/", scores.bank_score_request, name="bank_score_request"),
    path("api/v1/finance/assessments/", assessments_api.AssessmentList.as_view(), name="api_assessment_list"),
    path(
        "api/v1/finance/assessments/<int:pk>/", assessments_api.AssessmentDetail.as_view(), name="api_assessment_detail"
    ),
    path(
        "api/v1/finance/assessments/<int:pk>/recheck/",
        assessments_api.AssessmentRecheck.as_view(),
        name="api_assessment_recheck",
    ),
    path("api/v1/finance/score-reads/", assessments_api.ScoreReadCreate.as_view(), name="api_score_read_create"),
    # Models
    path("bank/models/", scorecards.bank_models, name="bank_models"),
    path("bank/models/new/", scorecards.scorecard_create, name="scorecard_create"),
    path("bank/models/<int:pk>/", scorecards.scorecard_detail, name="scorecard_detail"),
    path("bank/models/<int:pk>/download/", scorecards.scorecard_download, name="scorecard_download"),
    path("bank/models/<int:pk>/shadow/", scorecards.scorecard_shadow, name="scorecard_shadow"),
    path("bank/models/<int:pk>/retire/", scorecards.scorecard_retire, name="scorecard_retire"),
    path("bank/models/<int:pk>/rules/new/", promotions.promotion_rule_create, name="promotion_rule_create"),
    path("bank/<int:bank_id>/models/<int:pk>/cut-offs/new/", scorecards.cut_offs_create, name="cut_offs_create"),
    path("bank/cut-offs/<int:pk>/confirm/", scorecards.cut_offs_confirm, name="cut_offs_confirm"),
    path("bank/cut-offs/<int:pk>/withdraw/", scorecards.cut_offs_withdraw, name="cut_offs_withdraw"),
    path("bank/promotion-rules/<int:pk>/sign/", promotions.promotion_rule_sign, name="promotion_rule_sign"),
    path("bank/promotion-rules/<int:pk>/withdraw/", promotions.promotion_rule_withdraw, name="promotion_rule_withdraw"),
    path("api/v1/finance/scorecards/", scorecards_api.ScorecardList.as_view(), name="api_scorecard_list"),
    path("api/v1/finance/scorecards/<int:pk>/", scorecards_api.ScorecardDetail.as_view(), name="api_scorecard_detail"),
    path(
        "api/v1/finance/scorecards/<int:pk>/shadow/",
        scorecards_api.ScorecardShadow.as_view(),
        name="api_scorecard_shadow",
    ),
    path(
        "api/v1/finance/scorecards/<int:pk>/retire/",
        scorecards_api.ScorecardRetire.as_view(),
        name="api_scorecard_retire",
    ),
    path(
        "api/v1/finance/scorecards/<int:pk>/disagreements/",
        scorecards_api.ScorecardDisagreements.as_view(),
        name="api_scorecard_disagreements",
    ),
    path("api/v1/finance/cut-offs/", scorecards_api.CutOffsList.as_view(), name="api_cut_offs_list"),
    path(
        "api/v1/finance/cut-offs/<int:pk>/confirm/",
        scorecards_api.CutOffsConfirm.as_view(),
        name="api_cut_offs_confirm",
    ),
    path(
        "api/v1/finance/cut-offs/<int:pk>/withdraw/",
        scorecards_api.CutOffsWithdraw.as_view(),
        name="api_cut_offs_withdraw",
    ),
    path("api/v1/finance/promotion-rules/", scorecards_api.PromotionRuleList.as_view(), name="api_promotion_rule_list"),
    path(
        "api/v1/finance/promotion-rules/<int:pk>/standing/",
        scorecards_api.PromotionRuleStanding.as_view(),
        name="api_promotion_rule_standing",
    ),
    path(
        "api/v1/finance/promotion-rules/<int:pk>/sign/",
        scorecards_api.PromotionRuleSign.as_view(),
        name="api_promotion_rule_sign",
    ),
    path(
        "api/v1/finance/promotion-rules/<int:pk>/withdraw/",
        scorecards_api.PromotionRuleWithdraw.as_view(),
        name="api_promotion_rule_withdraw",
    ),
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
    # Records
    path("credit/records/", records.record_list, name="record_list"),
    path("credit/records/imports/", record_imports.import_list, name="import_list"),
    path("credit/records/imports/new/", record_imports.import_create, name="import_create"),
    path("credit/records/imports/<int:pk>/", record_imports.import_detail, name="import_detail"),
    path("credit/records/imports/<int:pk>/problems.csv", record_imports.import_problems, name="import_problems"),
    path("credit/records/template/<str:kind>.<str:suffix>", record_imports.record_template, name="record_template"),
    path("api/v1/finance/records/", records_api.RecordList.as_view(), name="api_record_list"),
    path("api/v1/finance/records/summary/", records_api.RecordSummary.as_view(), name="api_record_summary"),
    path("api/v1/finance/record-imports/", records_api.RecordImportList.as_view(), name="api_record_import_list"),
    path(
        "api/v1/finance/record-imports/<int:pk>/",
        records_api.RecordImportDetail.as_view(),
        name="api_record_import_detail",
    ),
    path(
        "api/v1/finance/records/template/<str:kind>.<str:suffix>",
        records_api.RecordTemplate.as_view(),
        name="api_record_template",
    ),
    # Lines and loans
    path("credit/loans/", loans.loan_list, name="loan_list"),
    path("credit/loans/<int:pk>/", loans.loan_detail, name="loan_detail"),
    path("credit/loans/<int:pk>/cancel/", loans.drawdown_cancel, name="drawdown_cancel"),
    path("credit/lines/<int:pk>/draw/", loans.line_draw, name="line_draw"),
    path("credit/reservations/<int:pk>/free/", loans.reservation_free, name="reservation_free"),
    path("credit/offers/<int:pk>/", orders_on_credit.offer_credit, name="offer_credit"),
    path("credit/orders/<int:pk>/", orders_on_credit.order_credit, name="order_credit"),
    path("credit/pools/<int:pk>/", orders_on_credit.pool_credit, name="pool_credit"),
    path("credit/pools/<int:pk>/order/<int:offer_pk>/", orders_on_credit.pool_order_credit, name="pool_order_credit"),
    path("credit/programmes/", programmes.programme_list, name="programme_list"),
    path("credit/programmes/new/", programmes.programme_create, name="programme_create"),
    path("credit/programmes/<int:pk>/", programmes.programme_detail, name="programme_detail"),
    path("credit/programmes/<int:pk>/invite/", programmes.programme_invite, name="programme_invite"),
    path("credit/invitations/<int:pk>/withdraw/", programmes.invitation_withdraw, name="invitation_withdraw"),
    path("credit/invitations/<int:pk>/<str:answer>/", programmes.invitation_answer, name="invitation_answer"),
    path("bank/drawdowns/", loans.bank_drawdowns, name="bank_drawdowns"),
    path("bank/drawdowns/<int:pk>/propose/", loans.drawdown_propose, name="drawdown_propose"),
    path("bank/drawdowns/<int:pk>/approve/", loans.drawdown_approve, name="drawdown_approve"),
    path("bank/drawdowns/<int:pk>/return/", loans.drawdown_return, name="drawdown_return"),
    path("bank/drawdowns/<int:pk>/decline/", loans.drawdown_decline, name="drawdown_decline"),
    path("bank/drawdowns/<int:pk>/repay/", loans.repayment_record, name="repayment_record"),
    path("bank/repayments/<int:pk>/confirm/", loans.repayment_confirm, name="repayment_confirm"),
    path("bank/repayments/<int:pk>/refuse/", loans.repayment_refuse, name="repayment_refuse"),
    path("bank/portfolio/", portfolio.bank_portfolio, name="bank_portfolio"),
    path("bank/portfolio/loans.csv", portfolio.portfolio_export, name="portfolio_export"),
    path("bank/lines/", bank_lines.bank_programmes, name="bank_programmes"),
    path("bank/lines/new/", bank_lines.bank_line_propose, name="bank_line_propose"),
    path("bank/lines/<int:pk>/", bank_lines.bank_line_detail, name="bank_line_detail"),
    path("bank/line-changes/<int:pk>/confirm/", bank_lines.change_confirm, name="change_confirm"),
    path("bank/line-changes/<int:pk>/refuse/", bank_lines.change_refuse, name="change_refuse"),
    # Monitoring of models
    path("bank/monitoring/", monitoring.bank_monitoring, name="bank_monitoring"),
    path("bank/monitoring/look/", monitoring.monitoring_request, name="monitoring_request"),
    path("bank/alarms/<int:pk>/answer/", monitoring.alarm_answer, name="alarm_answer"),
    path("api/v1/finance/monitoring/", monitoring_api.MonitoringRunList.as_view(), name="api_monitoring_list"),
    path(
        "api/v1/finance/monitoring/<int:pk>/",
        monitoring_api.MonitoringRunDetail.as_view(),
        name="api_monitoring_detail",
    ),
    path("api/v1/finance/alarms/", monitoring_api.AlarmList.as_view(), name="api_alarm_list"),
    path("api/v1/finance/alarms/<int:pk>/answer/", monitoring_api.AlarmAnswer.as_view(), name="api_alarm_answer"),
    # Early warnings
    path("bank/warnings/", warnings.bank_warnings, name="bank_warnings"),
    path("bank/warnings/<int:pk>/", warnings.warning_detail, name="warning_detail"),
    path("bank/warnings/<int:pk>/answer/", warnings.warning_answer, name="warning_answer"),
    path("api/v1/finance/warnings/", warnings_api.EarlyWarningList.as_view(), name="api_warning_list"),
    path("api/v1/finance/warnings/<int:pk>/", warnings_api.EarlyWarningDetail.as_view(), name="api_warning_detail"),
    path(
        "api/v1/finance/warnings/<int:pk>/answer/", warnings_api.EarlyWarningAnswer.as_view(), name="api_warning_answer"
    ),
    # Late payment
    path("credit/late-payments/", late_payments.late_payment_list, name="late_payment_list"),
    path("credit/late-payments/<int:pk>/", late_payments.invoice_late_payment, name="invoice_late_payment"),
    path("api/v1/finance/late-payments/", late_payments_api.LatePaymentList.as_view(), name="api_late_payment_list"),
    path(
        "api/v1/finance/late-payments/<int:pk>/",
        late_payments_api.InvoiceLatePayment.as_view(),
        name="api_invoice_late_payment",
    ),
    # Receivables
    path("credit/receivables/", receivables.receivable_list, name="receivable_list"),
    path("credit/receivables/new/", receivables.receivable_create, name="receivable_create"),
    path("credit/receivables/check/", receivables.receivable_check, name="receivable_check"),
    path("credit/receivables/<int:pk>/", receivables.receivable_detail, name="receivable_detail"),
    path("credit/receivables/<int:pk>/answer/", receivables.receivable_answer, name="receivable_answer"),
    path("credit/receivables/<int:pk>/cancel/", receivables.receivable_cancel, name="receivable_cancel"),
    path("credit/receivables/<int:pk>/offer/", receivables.receivable_offer, name="receivable_offer"),
    path("credit/assignments/<int:pk>/propose/", receivables.assignment_propose, name="assignment_propose"),
    re_path(
        r"^credit/assignments/(?P<pk>\d+)/(?P<act>confirm|decline|withdraw|release)/$",
        receivables.assignment_act,
        name="assignment_act",
    ),
    path("api/v1/finance/receivables/", receivables_api.ReceivableList.as_view(), name="api_receivable_list"),
    path("api/v1/finance/receivables/check/", receivables_api.ReceivableCheck.as_view(), name="api_receivable_check"),
    path(
        "api/v1/finance/receivables/<int:pk>/", receivables_api.ReceivableDetail.as_view(), name="api_receivable_detail"
    ),
    path(
        "api/v1/finance/receivables/<int:pk>/answer/",
        receivables_api.ReceivableAnswer.as_view(),
        name="api_receivable_answer",
    ),
    path(
        "api/v1/finance/receivables/<int:pk>/cancel/",
        receivables_api.ReceivableCancel.as_view(),
        name="api_receivable_cancel",
    ),
    path(
        "api/v1/finance/receivables/<int:pk>/parts/",
        receivables_api.ReceivableOffer.as_view(),
        name="api_receivable_offer",
    ),
    path(
        "api/v1/finance/assignments/<int:pk>/propose/",
        receivables_api.AssignmentPropose.as_view(),
        name="api_assignment_propose",
    ),
    path(
        "api/v1/finance/assignments/<int:pk>/confirm/",
        receivables_api.AssignmentConfirm.as_view(),
        name="api_assignment_confirm",
    ),
    path(
        "api/v1/finance/assignments/<int:pk>/decline/",
        receivables_api.AssignmentDecline.as_view(),
        name="api_assignment_decline",
    ),
    path(
        "api/v1/finance/assignments/<int:pk>/withdraw/",
        receivables_api.AssignmentWithdraw.as_view(),
        name="api_assignment_withdraw",
    ),
    path(
        "api/v1/finance/assignments/<int:pk>/release/",
        receivables_api.AssignmentRelease.as_view(),
        name="api_assignment_release",
    ),
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
    # Findings
    path("credit/findings/", findings.finding_list, name="finding_list"),
    path("credit/findings/<int:pk>/", findings.finding_detail, name="finding_detail"),
    path("credit/findings/files/<int:explanation_id>/", findings.finding_file, name="finding_file"),
    path("credit/findings/look/<int:organisation_id>/", findings.finding_look, name="finding_look"),
    path("api/v1/finance/findings/", findings_api.FindingList.as_view(), name="api_finding_list"),
    path("api/v1/finance/findings/<int:pk>/", findings_api.FindingDetail.as_view(), name="api_finding_detail"),
    path(
        "api/v1/finance/findings/<int:pk>/explanations/",
        findings_api.FindingExplanationList.as_view(),
        name="api_finding_explanation_list",
    ),
    path("api/v1/finance/finding-runs/", findings_api.FindingRunList.as_view(), name="api_finding_run_list"),
    # Lines and loans by API
    path("api/v1/finance/lines/", lines_api.LineList.as_view(), name="api_line_list"),
    path("api/v1/finance/lines/<int:pk>/", lines_api.LineDetail.as_view(), name="api_line_detail"),
    path(
        "api/v1/finance/lines/<int:pk>/changes/", lines_api.LineChangePropose.as_view(), name="api_line_change_propose"
    ),
    path("api/v1/finance/line-changes/", lines_api.LineChangeList.as_view(), name="api_line_change_list"),
    path(
        "api/v1/finance/line-changes/<int:pk>/confirm/",
        lines_api.LineChangeConfirm.as_view(),
        name="api_line_change_confirm",
    ),
    path(
        "api/v1/finance/line-changes/<int:pk>/refuse/",
        lines_api.LineChangeRefuse.as_view(),
        name="api_line_change_refuse",
    ),
    path(
        "api/v1/finance/programmes/<int:pk>/invitations/",
        lines_api.ProgrammeInvitations.as_view(),
        name="api_programme_invite",
    ),
    path("api/v1/finance/programme-invitations/", lines_api.InvitationList.as_view(), name="api_invitation_list"),
    path(
        "api/v1/finance/programme-invitations/<int:pk>/accept/",
        lines_api.InvitationAccept.as_view(),
        name="api_invitation_accept",
    ),
    path(
        "api/v1/finance/programme-invitations/<int:pk>/decline/",
        lines_api.InvitationDecline.as_view(),
        name="api_invitation_decline",
    ),
    path(
        "api/v1/finance/programme-invitations/<int:pk>/withdraw/",
        lines_api.InvitationWithdraw.as_view(),
        name="api_invitation_withdraw",
    ),
    path("api/v1/finance/drawdowns/", lending_api.DrawdownList.as_view(), name="api_drawdown_list"),
    path("api/v1/finance/drawdowns/<int:pk>/", lending_api.DrawdownDetail.as_view(), name="api_drawdown_detail"),
    path(
        "api/v1/finance/drawdowns/<int:pk>/propose/", lending_api.DrawdownPropose.as_view(), name="api_drawdown_propose"
    ),
    path(
        "api/v1/finance/drawdowns/<int:pk>/approve/", lending_api.DrawdownApprove.as_view(), name="api_drawdown_approve"
    ),
    path("api/v1/finance/drawdowns/<int:pk>/return/", lending_api.DrawdownReturn.as_view(), name="api_drawdown_return"),
    path(
        "api/v1/finance/drawdowns/<int:pk>/decline/", lending_api.DrawdownDecline.as_view(), name="api_drawdown_decline"
    ),
    path("api/v1/finance/drawdowns/<int:pk>/cancel/", lending_api.DrawdownCancel.as_view(), name="api_drawdown_cancel"),
    path(
        "api/v1/finance/drawdowns/<int:pk>/repayments/",
        lending_api.RepaymentCreate.as_view(),
        name="api_repayment_create",
    ),
    path(
        "api/v1/finance/repayments/<int:pk>/confirm/",
        lending_api.RepaymentConfirm.as_view(),
        name="api_repayment_confirm",
    ),
    path(
        "api/v1/finance/repayments/<int:pk>/refuse/", lending_api.RepaymentRefuse.as_view(), name="api_repayment_refuse"
    ),
    path("api/v1/finance/reservations/", lending_api.ReservationList.as_view(), name="api_reservation_list"),
    path(
        "api/v1/finance/reservations/<int:pk>/free/", lending_api.ReservationFree.as_view(), name="api_reservation_free"
    ),
    path("api/v1/finance/offers/<int:pk>/order/", lending_api.OfferOnCredit.as_view(), name="api_offer_on_credit"),
    path("api/v1/finance/orders/<int:pk>/reserve/", lending_api.OrderOnCredit.as_view(), name="api_order_on_credit"),
    path("api/v1/finance/pools/<int:pk>/pledge/", lending_api.PoolPledge.as_view(), name="api_pool_pledge"),
    path(
        "api/v1/finance/pools/<int:pk>/offers/<int:offer_pk>/order/",
        lending_api.PoolOnCredit.as_view(),
        name="api_pool_on_credit",
    ),
    path("api/v1/finance/portfolio/", lending_api.PortfolioDetail.as_view(), name="api_portfolio"),
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
