"""What organisations and their members can be told of: noun.verb in past tense, as webhooks name it."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from marketplace.models.membership import Membership

OWNERS = (Membership.Role.OWNER,)
EVERYBODY = tuple(Membership.Role)
PARK_ROLES = (Membership.Role.OWNER, Membership.Role.OPERATOR)
# Firms book, parks run what was booked: each is told what the other did.
HANDLING_ROLES = (*Membership.TRADING_ROLES, Membership.Role.OPERATOR, Membership.Role.GATEKEEPER)
BOOKING_ROLES = (*Membership.TRADING_ROLES, Membership.Role.OPERATOR)
LENDING_ROLES = (Membership.Role.OWNER, Membership.Role.MAKER, Membership.Role.CHECKER)


@dataclass(frozen=True)
class Event:
    """``roles`` are the members whose work it is; ``is_for_endpoints``: the organisation's own systems are told too."""

    label: str | Promise
    roles: tuple[str, ...]
    is_for_endpoints: bool = True


EVENTS = {
    "match.created": Event(_("A match was found"), Membership.TRADING_ROLES),
    "match.proposed": Event(_("The platform proposed quantities for matches"), Membership.TRADING_ROLES),
    "pool.suggested": Event(_("A collective purchase was suggested"), Membership.TRADING_ROLES),
    "project.found": Event(_("A new building project needs what we offer"), Membership.TRADING_ROLES),
    "listing.expired": Event(_("A listing expired"), Membership.TRADING_ROLES),
    "listing_import.finished": Event(_("A file of listings was imported"), Membership.TRADING_ROLES),
    "organisation.approved": Event(_("The organisation was approved"), EVERYBODY),
    "organisation.refused": Event(_("The organisation was refused"), OWNERS),
    "organisation.suspended": Event(_("The organisation was suspended"), EVERYBODY),
    "uscc.contested": Event(_("The organisation's credit code was contested"), OWNERS, is_for_endpoints=False),
    "uscc_contest.decided": Event(_("A contested credit code was decided"), OWNERS, is_for_endpoints=False),
    "report.answered": Event(_("A report was answered"), OWNERS, is_for_endpoints=False),
    "member.joined": Event(_("A member joined"), OWNERS, is_for_endpoints=False),
    "booking.requested": Event(_("A booking waits for approval"), PARK_ROLES),
    "booking.confirmed": Event(_("A booking was confirmed"), BOOKING_ROLES),
    "booking.refused": Event(_("A booking was refused"), BOOKING_ROLES),
    "booking.moved": Event(_("A booking was moved"), BOOKING_ROLES),
    "booking.cancelled": Event(_("A booking was cancelled"), BOOKING_ROLES),
    "booking.lapsed": Event(_("A request for a booking lapsed"), BOOKING_ROLES),
    "booking.offered": Event(_("Another firm offers its booking"), BOOKING_ROLES),
    "booking.handed_over": Event(_("A booking was handed over"), BOOKING_ROLES),
    "waiting.offered": Event(_("A slot waited for came free"), BOOKING_ROLES),
    "waiting.lapsed": Event(_("A held slot or a wait for one lapsed"), BOOKING_ROLES),
    "statement.issued": Event(_("A park's monthly statement was issued"), BOOKING_ROLES),
    "rfq.received": Event(_("A request for quotation came in"), Membership.TRADING_ROLES),
    "rfq.changed": Event(_("A request for quotation was changed"), Membership.TRADING_ROLES),
    "rfq.closed": Event(_("A request for quotation closed"), Membership.TRADING_ROLES),
    "rfq.opened": Event(_("Sealed quotes were opened"), (*Membership.TRADING_ROLES, Membership.Role.APPROVER)),
    "rfq.cancelled": Event(_("A request for quotation was cancelled"), Membership.TRADING_ROLES),
    "rfq.declined": Event(_("A supplier will not quote"), Membership.TRADING_ROLES),
    "question.asked": Event(_("A supplier asked about a request for quotation"), Membership.TRADING_ROLES),
    "question.answered": Event(_("A question about a request for quotation was answered"), Membership.TRADING_ROLES),
    "quote.received": Event(_("A quote came in"), Membership.TRADING_ROLES),
    "quote.withdrawn": Event(_("A quote was withdrawn"), Membership.TRADING_ROLES),
    "quote.awarded": Event(_("A quote was awarded"), Membership.TRADING_ROLES),
    "quote.rejected": Event(_("A quote was not chosen"), Membership.TRADING_ROLES),
    "award.fallen": Event(_("An award came to nothing"), Membership.TRADING_ROLES),
    "order.confirmed": Event(_("An order was confirmed"), (*Membership.TRADING_ROLES, Membership.Role.APPROVER)),
    "order.changed": Event(_("An order changed"), Membership.TRADING_ROLES),
    "order.closed": Event(_("An order was closed or cancelled"), Membership.TRADING_ROLES),
    "proposal.received": Event(_("The other side proposed to change an order"), Membership.TRADING_ROLES),
    "proposal.answered": Event(_("A proposal was answered"), Membership.TRADING_ROLES),
    "dispute.opened": Event(_("A dispute was opened"), (*Membership.TRADING_ROLES, Membership.Role.APPROVER)),
    "dispute.argued": Event(_("Evidence was added to a dispute"), Membership.TRADING_ROLES),
    "dispute.decided": Event(_("A dispute ended"), (*Membership.TRADING_ROLES, Membership.Role.APPROVER)),
    "invoice.requested": Event(_("An invoice was asked for"), Membership.TRADING_ROLES),
    "invoice.issued": Event(_("An invoice was issued"), Membership.TRADING_ROLES),
    "invoice.answered": Event(_("An invoice was received, refused or made void"), Membership.TRADING_ROLES),
    "payment.recorded": Event(_("A payment was recorded"), Membership.TRADING_ROLES),
    "payment.answered": Event(_("A payment was confirmed or not found"), Membership.TRADING_ROLES),
    "payment.overdue": Event(_("A payment is overdue"), Membership.TRADING_ROLES),
    "rating.given": Event(_("The other side of an order rated it"), Membership.TRADING_ROLES),
    "negotiation.opened": Event(_("Another firm opened a negotiation"), Membership.TRADING_ROLES),
    "negotiation.ended": Event(_("The other side ended a negotiation"), Membership.TRADING_ROLES),
    "offer.received": Event(_("An offer came in"), Membership.TRADING_ROLES),
    "offer.accepted": Event(_("An offer was accepted"), (*Membership.TRADING_ROLES, Membership.Role.APPROVER)),
    "offer.declined": Event(_("An offer was declined"), Membership.TRADING_ROLES),
    "offer.withdrawn": Event(_("An offer was withdrawn"), Membership.TRADING_ROLES),
    "offer.lapsed": Event(_("An offer lapsed"), Membership.TRADING_ROLES),
    "message.received": Event(_("A message came in"), Membership.TRADING_ROLES),
    "approval.requested": Event(
        _("An offer waits for approval"), (Membership.Role.OWNER, Membership.Role.APPROVER), is_for_endpoints=False
    ),
    "approval.decided": Event(_("An offer was approved or refused"), Membership.TRADING_ROLES, is_for_endpoints=False),
    "shipment.dispatched": Event(_("A shipment was dispatched"), HANDLING_ROLES),
    "shipment.arrived": Event(_("A shipment arrived"), Membership.TRADING_ROLES),
    "shipment.deviated": Event(_("A shipment weighs other than declared"), HANDLING_ROLES),
    "lot.inspected": Event(_("A lot was inspected"), Membership.TRADING_ROLES),
    "lot.decided": Event(_("The buyer answered an inspection"), HANDLING_ROLES),
    "receipt.to_sign": Event(_("A receipt waits for a signature"), Membership.TRADING_ROLES),
    "receipt.signed": Event(_("A receipt was signed by both sides"), Membership.TRADING_ROLES),
    "webhook_endpoint.disabled": Event(_("A webhook was switched off"), OWNERS, is_for_endpoints=False),
    "pool.opened": Event(_("A firm invites to a collective purchase"), Membership.TRADING_ROLES),
    "pool.joined": Event(_("A firm joined a collective purchase"), Membership.TRADING_ROLES),
    "pool.left": Event(_("A firm left a collective purchase"), Membership.TRADING_ROLES),
    "pool.leave_requested": Event(_("A firm asks to leave a collective purchase"), Membership.TRADING_ROLES),
    "pool.closed": Event(_("A collective purchase closed"), Membership.TRADING_ROLES),
    "pool.failed": Event(_("A collective purchase failed"), Membership.TRADING_ROLES),
    "pool.cancelled": Event(_("A collective purchase was cancelled"), Membership.TRADING_ROLES),
    "pool.asked": Event(_("A collective purchase asks for an offer"), Membership.TRADING_ROLES),
    "pool.ordered": Event(_("A collective purchase was ordered"), Membership.TRADING_ROLES),
    "record_import.finished": Event(_("A file of trade records was imported"), Membership.TRADING_ROLES),
    "finding.found": Event(_("A doubt about the firm's trade was found"), Membership.TRADING_ROLES),
    "consent.given": Event(_("A firm lets us read its data"), LENDING_ROLES),
    "consent.withdrawn": Event(_("A firm withdrew its consent"), LENDING_ROLES),
    "credit.line_changed": Event(_("A credit line was changed"), Membership.TRADING_ROLES),
    "credit.change_proposed": Event(_("A change of a credit line waits for the second person"), LENDING_ROLES),
    "programme.invited": Event(_("A core enterprise invites into its programme"), OWNERS),
    "programme.answered": Event(_("A firm answered an invitation to a programme"), OWNERS),
    "drawdown.requested": Event(_("A firm asks to draw under its line"), LENDING_ROLES),
    "drawdown.proposed": Event(_("A drawdown waits for the checker"), LENDING_ROLES),
    "drawdown.returned": Event(_("A drawdown was sent back to the maker"), LENDING_ROLES),
    "drawdown.approved": Event(_("A drawdown was approved"), Membership.TRADING_ROLES),
    "drawdown.cancelled": Event(_("A drawdown was cancelled"), (*Membership.TRADING_ROLES, *LENDING_ROLES)),
    "drawdown.paid": Event(_("A loan was paid out"), Membership.TRADING_ROLES),
    "drawdown.ended": Event(_("A loan ended"), Membership.TRADING_ROLES),
    "supplier.paid": Event(_("A bank paid us for a customer"), Membership.TRADING_ROLES),
    "repayment.recorded": Event(_("A repayment waits for the checker"), LENDING_ROLES),
    "repayment.booked": Event(_("A repayment was booked"), Membership.TRADING_ROLES),
    "repayment.due": Event(_("A repayment falls due"), Membership.TRADING_ROLES),
    "repayment.overdue": Event(_("A repayment is overdue"), (*Membership.TRADING_ROLES, *LENDING_ROLES)),
    "act.expected": Event(_("Something must be done at the branch and recorded"), LENDING_ROLES),
    "act.recorded": Event(_("A recorded act waits for the second person"), LENDING_ROLES),
    "act.sent_back": Event(_("The record of an act was sent back"), LENDING_ROLES),
    "act.overdue": Event(_("An act at the branch is overdue"), LENDING_ROLES),
    "partnership.offered": Event(_("A bank offers a partnership"), LENDING_ROLES),
    "partnership.answered": Event(_("A partnership was signed, refused or ended"), LENDING_ROLES),
    "cover.requested": Event(_("A bank asks for a cover"), LENDING_ROLES),
    "cover.quoted": Event(_("A partner quoted or declined a cover"), LENDING_ROLES),
    "cover.decided": Event(_("A bank answered a quote"), LENDING_ROLES),
    "cover.changed": Event(_("A guarantee came into force or ended"), LENDING_ROLES),
    "claim.filed": Event(_("A bank filed a claim"), LENDING_ROLES),
    "claim.asked": Event(_("Documents on a claim were asked for or came in"), LENDING_ROLES),
    "claim.decided": Event(_("A claim was decided"), LENDING_ROLES),
    "claim.paid": Event(_("A claim was paid, or money was recovered"), LENDING_ROLES),
    "claim.late": Event(_("A claim waits for us for too long"), LENDING_ROLES),
    "bank_file.loaded": Event(_("A bank file waits for the second person"), LENDING_ROLES),
    "voucher.revoked": Event(_("A firm revoked a credit voucher"), LENDING_ROLES),
    "receivable.registered": Event(
        _("A supplier asks us to accept what we owe"), (Membership.Role.OWNER, Membership.Role.APPROVER)
    ),
    "receivable.answered": Event(_("A buyer answered about a receivable"), Membership.TRADING_ROLES),
    "receivable.offered": Event(_("A firm offers a receivable to lend on"), LENDING_ROLES),
    "receivable.assigned": Event(_("A bank took a receivable"), Membership.TRADING_ROLES),
    "receivable.released": Event(
        _("A part of a receivable was given back"), (*Membership.TRADING_ROLES, *LENDING_ROLES)
    ),
    "score.changed": Event(_("The grade of our firm changed"), Membership.TRADING_ROLES),
    "credit.submitted": Event(_("A firm applied for credit"), (Membership.Role.OWNER, Membership.Role.MAKER)),
    "credit.more_asked": Event(_("A bank asks for more about an application"), Membership.TRADING_ROLES),
    "credit.answered": Event(_("A firm answered about its application"), (Membership.Role.MAKER,)),
    "credit.proposed": Event(_("An application waits for a checker"), (Membership.Role.CHECKER,)),
    "credit.sent_back": Event(_("A checker sent an application back"), (Membership.Role.MAKER,)),
    "credit.decided": Event(_("A bank decided on an application"), Membership.TRADING_ROLES),
    "credit.accepted": Event(
        _("A firm accepted and signed a credit offer"), (Membership.Role.MAKER, Membership.Role.CHECKER)
    ),
    "credit.line_opened": Event(
        _("A line of credit was opened"), (*Membership.TRADING_ROLES, Membership.Role.MAKER, Membership.Role.CHECKER)
    ),
    "credit.withdrawn": Event(_("A firm withdrew its application"), (Membership.Role.MAKER, Membership.Role.CHECKER)),
    "credit.lapsed": Event(_("An application lapsed"), (*Membership.TRADING_ROLES, Membership.Role.MAKER)),
    "credit.warned": Event(
        _("Early signs of trouble at a firm that we lend to"),
        (Membership.Role.OWNER, Membership.Role.MAKER, Membership.Role.CHECKER),
    ),
    "model.alarmed": Event(
        _("The monitoring of a scoring model raised an alarm"), (Membership.Role.OWNER, Membership.Role.CHECKER)
    ),
    "credit.left_waiting": Event(
        _("An application has waited too long"),
        (Membership.Role.OWNER, Membership.Role.MAKER, Membership.Role.CHECKER),
    ),
    "exhibition.invited": Event(_("An invitation to an exhibition"), Membership.TRADING_ROLES),
    "exhibition.changed": Event(_("An exhibition was changed or cancelled"), Membership.TRADING_ROLES),
    "booth.booked": Event(_("A booth was booked"), BOOKING_ROLES),
    "booth.cancelled": Event(_("A booth was given back"), BOOKING_ROLES),
    "visit.answered": Event(_("A visitor comes to an exhibition"), BOOKING_ROLES),
    "meeting.requested": Event(_("A meeting was requested"), Membership.TRADING_ROLES),
    "meeting.confirmed": Event(_("A meeting was confirmed"), Membership.TRADING_ROLES),
    "meeting.declined": Event(_("A meeting was declined"), Membership.TRADING_ROLES),
    "meeting.cancelled": Event(_("A meeting was cancelled"), Membership.TRADING_ROLES),
}

# An owner asks for it, to see whether the other end listens; nobody subscribes to it.
TEST_EVENT = "webhook.tested"
