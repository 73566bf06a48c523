"""Lines and loans."""

from django.urls import path

from finance.api import lending as lending_api
from finance.api import lines as lines_api
from finance.views import bank_lines, loans, orders_on_credit, portfolio, programmes

urlpatterns = [
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
]
