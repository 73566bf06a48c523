"""What firms traded, what looks wrong about it, and what is lent on."""

from django.urls import path, re_path

from finance.api import findings as findings_api
from finance.api import receivables as receivables_api
from finance.api import records as records_api
from finance.views import findings, receivables, record_imports, records

urlpatterns = [
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
]
