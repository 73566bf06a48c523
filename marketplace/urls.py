from django.contrib.auth import views as auth_views
from django.urls import include, path

from marketplace.views import (
    accounts,
    attachments,
    bookings,
    console,
    disclosures,
    facilities,
    gate,
    home,
    imports,
    listings,
    memberships,
    negotiations,
    notifications,
    offers,
    orders,
    organisations,
    parks,
    quotes,
    reviews,
    rfqs,
    shipments,
    statements,
    webhooks,
    workspace,
)

app_name = "marketplace"

account_pages = [
    path("sign-up/", accounts.sign_up, name="sign_up"),
    path("log-in/", accounts.LogIn.as_view(), name="log_in"),
    path("log-out/", auth_views.LogoutView.as_view(), name="log_out"),
    path("language/change/", accounts.language_change, name="language_change"),
    path("password/", accounts.PasswordChange.as_view(), name="password_change"),
    path(
        "password/changed/",
        auth_views.PasswordChangeDoneView.as_view(template_name="marketplace/password_change_done.html"),
        name="password_change_done",
    ),
    path("password/reset/", accounts.PasswordReset.as_view(), name="password_reset"),
    path(
        "password/reset/sent/",
        auth_views.PasswordResetDoneView.as_view(template_name="marketplace/password_reset_done.html"),
        name="password_reset_done",
    ),
    path("password/reset/<uidb64>/<token>/", accounts.PasswordResetConfirm.as_view(), name="password_reset_confirm"),
    path(
        "password/reset/done/",
        auth_views.PasswordResetCompleteView.as_view(template_name="marketplace/password_reset_complete.html"),
        name="password_reset_complete",
    ),
]

organisation_pages = [
    path("organisations/", organisations.organisation_list, name="organisation_list"),
    path("organisations/new/", organisations.organisation_create, name="organisation_create"),
    path("organisations/<int:pk>/", organisations.organisation_detail, name="organisation_detail"),
    path("organisations/<int:pk>/edit/", organisations.organisation_edit, name="organisation_edit"),
    path("organisations/<int:pk>/contest/", organisations.uscc_contest, name="uscc_contest"),
    path("organisations/<int:pk>/report/", organisations.organisation_report, name="organisation_report"),
    path("organisations/<int:pk>/block/", organisations.organisation_block, name="organisation_block"),
    path("organisations/<int:pk>/blocks/", organisations.block_list, name="block_list"),
    path("blocks/<int:pk>/remove/", organisations.block_remove, name="block_remove"),
    path("organisations/<int:pk>/members/", memberships.membership_list, name="membership_list"),
    path("members/<int:pk>/role/", memberships.membership_change_role, name="membership_change_role"),
    path("members/<int:pk>/remove/", memberships.membership_remove, name="membership_remove"),
    path("members/<int:pk>/hand-over/", memberships.membership_hand_over, name="membership_hand_over"),
    path("invitations/<int:pk>/withdraw/", memberships.invitation_withdraw, name="invitation_withdraw"),
    path("invitations/<str:token>/", memberships.invitation_detail, name="invitation_detail"),
    path("invitations/<str:token>/accept/", memberships.invitation_accept, name="invitation_accept"),
    path("organisations/<int:pk>/webhooks/", webhooks.webhook_list, name="webhook_list"),
    path("webhooks/<int:pk>/", webhooks.webhook_detail, name="webhook_detail"),
    path("webhooks/<int:pk>/secret/", webhooks.webhook_rotate_secret, name="webhook_rotate_secret"),
    path("webhooks/<int:pk>/test/", webhooks.webhook_send_test, name="webhook_send_test"),
    path("webhooks/messages/<uuid:pk>/again/", webhooks.webhook_send_again, name="webhook_send_again"),
    path("webhooks/<int:pk>/enable/", webhooks.webhook_enable, name="webhook_enable"),
    path("webhooks/<int:pk>/remove/", webhooks.webhook_remove, name="webhook_remove"),
]

listing_pages = [
    path("listings/", listings.listing_list, name="listing_list"),
    path("listings/mine/", listings.my_listing_list, name="my_listing_list"),
    path("listings/new/", listings.listing_create, name="listing_create"),
    path("listings/<int:pk>/", listings.listing_detail, name="listing_detail"),
    path("listings/<int:pk>/edit/", listings.listing_edit, name="listing_edit"),
    path("listings/<int:pk>/publish/", listings.listing_publish, name="listing_publish"),
    path("listings/<int:pk>/pause/", listings.listing_pause, name="listing_pause"),
    path("listings/<int:pk>/resume/", listings.listing_resume, name="listing_resume"),
    path("listings/<int:pk>/close/", listings.listing_close, name="listing_close"),
    path("listings/<int:pk>/renew/", listings.listing_renew, name="listing_renew"),
    path("imports/", imports.import_list, name="import_list"),
    path("imports/<int:pk>/", imports.import_detail, name="import_detail"),
    path("imports/<int:pk>/errors.csv", imports.import_errors, name="import_errors"),
    path("imports/template.<str:suffix>", imports.import_template, name="import_template"),
]

reader_pages = [
    path("workspace/", workspace.workspace, name="workspace"),
    path("notifications/", notifications.notification_list, name="notification_list"),
    path("notifications/<uuid:pk>/", notifications.notification_open, name="notification_open"),
    path("notifications/read/", notifications.notification_read_all, name="notification_read_all"),
    path("notifications/bell/", notifications.bell, name="bell"),
    path("notifications/settings/", notifications.subscription_list, name="subscription_list"),
    path("unsubscribe/<str:token>/", notifications.unsubscribe, name="unsubscribe"),
    path("reviews/", reviews.review_queue, name="review_queue"),
    path("reviews/organisations/<int:pk>/", reviews.organisation_review, name="organisation_review"),
    path("reviews/contests/<int:pk>/", reviews.contest_decide, name="contest_decide"),
    path("reviews/reports/<int:pk>/", reviews.report_answer, name="report_answer"),
]

deal_file_pages = [
    path("attachments/<int:pk>/", attachments.attachment_download, name="attachment_download"),
]

order_pages = [
    path("orders/<int:pk>/", orders.order_detail, name="order_detail"),
]

shipment_pages = [
    path("shipments/", shipments.shipment_list, name="shipment_list"),
    path("shipments/<int:pk>/", shipments.shipment_detail, name="shipment_detail"),
]

console_pages = [
    path("console/", console.console_home, name="console_home"),
    path("console/<int:pk>/", console.console_board, name="console_board"),
    path("console/<int:pk>/scan/", console.console_scan, name="console_scan"),
    path("console/<int:pk>/warehouses/", console.console_occupancy, name="console_occupancy"),
    path("console/<int:pk>/exceptions/", console.console_exceptions, name="console_exceptions"),
    path("console/<int:pk>/inventory/", console.console_inventory, name="console_inventory"),
    path("console/<int:pk>/inventory.csv", console.console_inventory_csv, name="console_inventory_csv"),
    path("console/lots/<int:pk>/count/", console.console_count, name="console_count"),
    path("console/conflicts/<int:pk>/settle/", console.console_settle, name="console_settle"),
    path("gate/", gate.gate, name="gate"),
    path("gate/worker.js", gate.gate_worker, name="gate_worker"),
    path("gate/app.webmanifest", gate.gate_manifest, name="gate_manifest"),
]

park_pages = [
    path("parks/", parks.park_list, name="park_list"),
    path("parks/new/", parks.park_create, name="park_create"),
    path("parks/<int:pk>/", parks.park_detail, name="park_detail"),
    path("parks/<int:pk>/edit/", parks.park_edit, name="park_edit"),
    path("parks/<int:pk>/bookings/", parks.park_bookings, name="park_bookings"),
    path("parks/<int:pk>/facilities/new/", facilities.facility_create, name="facility_create"),
    path("parks/<int:pk>/statements/", statements.park_statements, name="park_statements"),
    path("parks/<int:pk>/fees/adjust/", statements.fee_adjust, name="fee_adjust"),
    path("facilities/free/", facilities.facility_free, name="facility_free"),
    path("facilities/<int:pk>/", facilities.facility_detail, name="facility_detail"),
    path("facilities/<int:pk>/edit/", facilities.facility_edit, name="facility_edit"),
    path("facilities/<int:pk>/hours/", facilities.facility_hours, name="facility_hours"),
    path("facilities/<int:pk>/close/", facilities.facility_close, name="facility_close"),
    path("closures/<int:pk>/reopen/", facilities.facility_reopen, name="facility_reopen"),
    path("facilities/<int:pk>/prices/", facilities.price_list, name="price_list"),
    path("prices/<int:pk>/end/", facilities.price_end, name="price_end"),
    path("facilities/<int:pk>/book/", bookings.booking_create, name="booking_create"),
    path("facilities/<int:pk>/wait/", bookings.waiting_join, name="waiting_join"),
    path("waiting/<int:pk>/leave/", bookings.waiting_leave, name="waiting_leave"),
    path("statements/", statements.statement_list, name="statement_list"),
    path("statements/<int:pk>/", statements.statement_detail, name="statement_detail"),
    path("statements/<int:pk>.pdf", statements.statement_pdf, name="statement_pdf"),
    path("statements/<int:pk>.csv", statements.statement_csv, name="statement_csv"),
]

booking_pages = [
    path("bookings/", bookings.booking_list, name="booking_list"),
    path("bookings/<int:pk>/", bookings.booking_detail, name="booking_detail"),
    path("bookings/<int:pk>/move/", bookings.booking_move, name="booking_move"),
    path("bookings/<int:pk>/cancel/", bookings.booking_cancel, name="booking_cancel"),
    path("bookings/<int:pk>/take/", bookings.booking_take, name="booking_take"),
    path("bookings/<int:pk>/approve/", bookings.booking_approve, name="booking_approve"),
    path("bookings/<int:pk>/refuse/", bookings.booking_refuse, name="booking_refuse"),
    path("bookings/<int:pk>/start/", bookings.booking_start, name="booking_start"),
    path("bookings/<int:pk>/complete/", bookings.booking_complete, name="booking_complete"),
    path("bookings/<int:pk>/miss/", bookings.booking_miss, name="booking_miss"),
    path("bookings/<int:pk>/offer/", bookings.booking_offer, name="booking_offer"),
    path("hand-overs/<int:pk>/accept/", bookings.hand_over_accept, name="hand_over_accept"),
    path("hand-overs/<int:pk>/decline/", bookings.hand_over_decline, name="hand_over_decline"),
    path("hand-overs/<int:pk>/withdraw/", bookings.hand_over_withdraw, name="hand_over_withdraw"),
]

negotiation_pages = [
    path("negotiations/", negotiations.negotiation_list, name="negotiation_list"),
    path("negotiations/<int:pk>/", negotiations.negotiation_detail, name="negotiation_detail"),
    path("negotiations/<int:pk>/offers/", offers.offer_make, name="offer_make"),
    path("negotiations/<int:pk>/messages/", negotiations.message_say, name="message_say"),
    path("negotiations/<int:pk>/end/", negotiations.negotiation_end, name="negotiation_end"),
    path("listings/<int:pk>/negotiate/", negotiations.negotiation_open, name="negotiation_open"),
    path("organisations/<int:pk>/negotiate/", negotiations.negotiation_invite, name="negotiation_invite"),
    path("offers/<int:pk>/accept/", offers.offer_accept, name="offer_accept"),
    path("offers/<int:pk>/decline/", offers.offer_decline, name="offer_decline"),
    path("offers/<int:pk>/withdraw/", offers.offer_withdraw, name="offer_withdraw"),
    path("approvals/", offers.approval_list, name="approval_list"),
    path("approvals/<int:pk>/decide/", offers.approval_decide, name="approval_decide"),
    path("organisations/<int:pk>/disclosure/", disclosures.disclosure_edit, name="disclosure_edit"),
]

rfq_pages = [
    path("rfqs/", rfqs.rfq_list, name="rfq_list"),
    path("rfqs/received/", rfqs.rfq_inbox, name="rfq_inbox"),
    path("rfqs/new/", rfqs.rfq_create, name="rfq_create"),
    path("rfqs/<int:pk>/", rfqs.rfq_detail, name="rfq_detail"),
    path("rfqs/<int:pk>/edit/", rfqs.rfq_edit, name="rfq_edit"),
    path("rfqs/<int:pk>/suppliers/", rfqs.rfq_suppliers, name="rfq_suppliers"),
    path("rfqs/<int:pk>/publish/", rfqs.rfq_publish, name="rfq_publish"),
    path("rfqs/<int:pk>/extend/", rfqs.rfq_extend, name="rfq_extend"),
    path("rfqs/<int:pk>/close/", rfqs.rfq_close, name="rfq_close"),
    path("rfqs/<int:pk>/cancel/", rfqs.rfq_cancel, name="rfq_cancel"),
    path("rfqs/<int:pk>/copy/", rfqs.rfq_copy, name="rfq_copy"),
    path("rfqs/<int:pk>/open/", rfqs.rfq_open, name="rfq_open"),
    path("rfqs/<int:pk>/ask/", rfqs.rfq_question_ask, name="rfq_question_ask"),
    path("rfq-questions/<int:pk>/answer/", rfqs.rfq_question_answer, name="rfq_question_answer"),
    path("rfq-invitations/<int:pk>/remove/", rfqs.rfq_invitation_remove, name="rfq_invitation_remove"),
    path("rfq-invitations/<int:pk>/decline/", rfqs.rfq_invitation_decline, name="rfq_invitation_decline"),
    path("rfqs/<int:pk>/quote/", quotes.quote_edit, name="quote_edit"),
    path("rfqs/<int:pk>/comparison/", quotes.quote_comparison, name="quote_comparison"),
    path("rfqs/<int:pk>/comparison.xlsx", quotes.quote_comparison_sheet, name="quote_comparison_sheet"),
    path("rfqs/<int:pk>/rates/", quotes.rfq_rates, name="rfq_rates"),
    path("rfqs/<int:pk>/award/", quotes.rfq_award, name="rfq_award"),
    path("quotes/<int:pk>/", quotes.quote_detail, name="quote_detail"),
    path("quotes/<int:pk>/withdraw/", quotes.quote_withdraw, name="quote_withdraw"),
    path("quotes/<int:pk>/confirm/", quotes.quote_confirm, name="quote_confirm"),
    path("quotes/<int:pk>/extend/", quotes.quote_extend, name="quote_extend"),
    path("awards/<int:pk>/void/", quotes.award_void, name="award_void"),
]

urlpatterns = [
    path("", home.home, name="home"),
    *account_pages,
    *organisation_pages,
    *listing_pages,
    *reader_pages,
    *negotiation_pages,
    *deal_file_pages,
    *order_pages,
    *shipment_pages,
    *console_pages,
    *park_pages,
    *booking_pages,
    *rfq_pages,
    path("api/v1/", include("marketplace.api.urls")),
]
