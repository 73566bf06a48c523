"""The memorandum ledger: what banks say of limits and loans, in double entry. The platform holds no money."""

from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from finance.models.drawdown import Drawdown
from finance.models.line import CreditLine
from marketplace.models import Organisation, User

ZERO = Decimal(0)

# What no program may do, whatever it asks for: change or take away a posting, or write entries that do not balance.
LEDGER_ONLY_GROWS = """
CREATE FUNCTION finance_ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'what is posted stays: post a reversal', ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION finance_ledger_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM finance_entry WHERE posting_id IN (SELECT posting_id FROM added)
        GROUP BY posting_id HAVING sum(debit) <> sum(credit)
    ) THEN
        RAISE EXCEPTION USING MESSAGE = 'debits and credits of a posting are equal', ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER posting_is_never_changed BEFORE UPDATE OR DELETE ON finance_posting
    FOR EACH ROW EXECUTE FUNCTION finance_ledger_only_grows();
CREATE TRIGGER entry_is_never_changed BEFORE UPDATE OR DELETE ON finance_entry
    FOR EACH ROW EXECUTE FUNCTION finance_ledger_only_grows();
CREATE TRIGGER entries_balance AFTER INSERT ON finance_entry
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION finance_ledger_balances();
"""
LEDGER_MAY_SHRINK = """
DROP TRIGGER posting_is_never_changed ON finance_posting;
DROP TRIGGER entry_is_never_changed ON finance_entry;
DROP TRIGGER entries_balance ON finance_entry;
DROP FUNCTION finance_ledger_only_grows();
DROP FUNCTION finance_ledger_balances();
"""


class Account(models.TextChoices):
    """What is counted. Of a line: the limit against what is available, reserved and used. Of a loan: the rest."""

    LIMIT = "limit", _("Limit")
    AVAILABLE = "available", pgettext_lazy("credit", "Available")
    RESERVED = "reserved", pgettext_lazy("credit", "Reserved")
    USED = "used", pgettext_lazy("credit", "Used")
    PRINCIPAL = "principal", _("Principal owed")
    INTEREST = "interest", _("Interest owed")
    PENALTY = "penalty", _("Penalty interest owed")
    PAID_OUT = "paid_out", _("Paid to suppliers")
    RECEIVED = "received", _("Received from borrowers")
    INTEREST_EARNED = "interest_earned", _("Interest earned")
    PENALTY_EARNED = "penalty_earned", _("Penalty interest earned")
    WRITTEN_OFF = "written_off", _("Written off")


class PostingQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> Self:
        """Return what was posted of the user's loans, and all of the user's banks."""
        mine = Organisation.objects.of(user)
        return self.filter(Q(bank__in=mine) | Q(line__borrower__in=mine))

    def in_order(self) -> Self:
        return self.order_by("pk").prefetch_related("entries")


class Posting(models.Model):
    """One fact in the ledger, with its balanced entries; known by its key for good. What was wrong is reversed."""

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=40)
    bank = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    line = models.ForeignKey(CreditLine, on_delete=models.PROTECT, related_name="postings")
    drawdown = models.ForeignKey(Drawdown, on_delete=models.PROTECT, null=True, blank=True, related_name="postings")
    currency = models.CharField(_("currency"), max_length=3)
    booked_on = models.DateField(_("day"))
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reverses = models.OneToOneField("self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by")
    # SHA-256 of what was posted: the same key with something else is refused.
    sha256 = models.CharField(max_length=64)

    objects = PostingQuerySet.as_manager()

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        indexes = [models.Index(name="posting_of_line", fields=["line", "kind"])]
        constraints = [models.CheckConstraint(name="posting_has_a_key", condition=~Q(key=""))]

    def __str__(self):
        return self.key


class EntryQuerySet(models.QuerySet):
    def balances(self) -> dict[str, Decimal]:
        """Return debits less credits by account."""
        rows = self.values("account").annotate(balance=models.Sum(F("debit") - F("credit"))).order_by("account")
        return {row["account"]: row["balance"] for row in rows}


class Entry(models.Model):
    """One side of a posting: an amount on the debit or the credit of an account."""

    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, related_name="entries")
    account = models.CharField(max_length=20, choices=Account)
    debit = models.DecimalField(max_digits=18, decimal_places=2, default=ZERO)
    credit = models.DecimalField(max_digits=18, decimal_places=2, default=ZERO)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints = [
            models.CheckConstraint(
                name="entry_is_a_debit_or_a_credit",
                condition=Q(debit__gt=0, credit=0) | Q(debit=0, credit__gt=0),
            ),
        ]

    def __str__(self):
        return f"{self.account} {self.debit or -self.credit}"
