"""Plant the demo of credit: books, scores, a bank with its queue, loans, a core enterprise's programme, covers."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from finance.models import CreditAssessment
from finance.services.checkpoints import register_witness, sign_log
from finance.services.vouchers import issue_voucher
from marketplace.models import Organisation, User
from seeds.bank_models import plant_models
from seeds.banks import Lenders, open_bank
from seeds.books import hand_in_books, reckon_scores
from seeds.firms import Firm
from seeds.loans import Borrower, Desk, ask_for_covers, fill_queue, lend_to_seller, let_watch, open_programme
from seeds.trade_books import FAILING, LEANING, SOUND, STEADY, YOUNG, Book

# Since when the bank is here, and when firms first handed in their books.
OPENED, FIRST_BOOKS = timedelta(days=199), timedelta(days=198)
# One for each stage of the queue (see `fill_queue`), then the members of the programme.
QUEUE = (STEADY, YOUNG, SOUND, FAILING, LEANING)
MEMBERS = (SOUND, STEADY, STEADY, YOUNG)


def plant_credit(
    firms: Sequence[Firm], rows: Mapping[int, Organisation], users: Mapping[str, User], desk: User, *, now: datetime
) -> None:
    """Let firms of the pump and valve cluster hand in books, and a bank lend on them."""
    named = {firm.key: rows[firm.number] for firm in firms if firm.key}
    others = [rows[firm.number] for firm in firms if firm.cluster == "pumps_valves" and not firm.key and firm.sells]
    if len(others) < len(QUEUE) + len(MEMBERS) + 1:
        return
    lenders = Lenders(
        bank=named["bank"],
        insurer=named["insurer"],
        guarantor=named["guarantor"],
        maker=users["maker"],
        checker=users["checker"],
        desk=desk,
        underwriter=users["insurer"],
    )
    products, core_line = open_bank(lenders, core=named["buyer"], now=now - OPENED)
    supplier = others[-1]
    seller = Borrower(named["seller"], users["seller"], supplier)
    core = Borrower(named["buyer"], users["buyer"], named["seller"])
    borrowers = [Borrower(firm, desk, supplier) for firm in others]
    queue, members = borrowers[: len(QUEUE)], borrowers[len(QUEUE) : len(QUEUE) + len(MEMBERS)]
    books: dict[Organisation, tuple[User, Book]] = {seller.firm: (seller.owner, STEADY), core.firm: (core.owner, SOUND)}
    books |= {one.firm: (desk, book) for one, book in zip([*queue, *members], [*QUEUE, *MEMBERS], strict=True)}
    until = timezone.localdate(now)
    for at in (now - FIRST_BOOKS, now - timedelta(days=4)):
        hand_in_books(books, until=until, now=at)
        reckon_scores(books, now=at + timedelta(hours=1))
    bank_desk = Desk(lenders, products)
    line = lend_to_seller(bank_desk, seller, now=now)
    fill_queue(bank_desk, queue, now=now)
    open_programme(bank_desk, core, core_line, members, now=now)
    let_watch([seller, queue[-1], *members[:2]], lenders.bank, now=now)
    ask_for_covers(bank_desk, line, seller, now=now)
    issue_voucher(
        assessment=CreditAssessment.objects.latest_of(seller.firm), bank=lenders.bank, by=seller.owner, now=now
    )
    plant_models(lenders.bank, [seller.firm, *others], maker=lenders.maker, checker=lenders.checker, now=now)
    for witness, owner in ((lenders.bank, desk), (lenders.insurer, lenders.underwriter), (lenders.guarantor, desk)):
        register_witness(organisation=witness, by=owner, now=now)
    sign_log(now=now)
