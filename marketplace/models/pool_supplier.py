from django.db import models
from django.utils.translation import gettext_lazy as _

from marketplace.models.negotiation import Negotiation
from marketplace.models.organisation import Organisation
from marketplace.models.purchase_pool import PurchasePool
from marketplace.models.user import User


class PoolSupplier(models.Model):
    """A supplier was asked to serve a pool; the negotiation with it is the organiser's, for all members."""

    pool = models.ForeignKey(PurchasePool, on_delete=models.PROTECT, related_name="suppliers")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")
    negotiation = models.OneToOneField(Negotiation, on_delete=models.PROTECT, related_name="pool_supplier")
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()

    class Meta:
        verbose_name = _("supplier of a collective purchase")
        verbose_name_plural = _("suppliers of collective purchases")
        constraints = [
            models.UniqueConstraint(name="pool_supplier_once_per_pool", fields=["pool", "organisation"]),
        ]

    def __str__(self):
        return f"{self.pool_id}: {self.organisation_id}"
