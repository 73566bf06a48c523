"""From a product to an open line."""

from django.urls import path

from finance.api import applications as applications_api
from finance.api import products as products_api
from finance.views import applications, authorities, products, reviews

urlpatterns = [
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
]
