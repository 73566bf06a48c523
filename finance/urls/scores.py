"""Scores, and the models that make them."""

from django.urls import path

from finance.api import assessments as assessments_api
from finance.api import late_payments as late_payments_api
from finance.api import monitoring as monitoring_api
from finance.api import scorecards as scorecards_api
from finance.api import warnings as warnings_api
from finance.views import late_payments, monitoring, promotions, scorecards, scores, warnings

urlpatterns = [
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
]
