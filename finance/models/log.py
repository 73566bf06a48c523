"""The evidence log: one Merkle tree of everything that somebody may later have to prove (RFC 9162)."""

from datetime import UTC
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.fields.json import KeyTransform
from django.utils.translation import gettext_lazy as _

from finance.vouchers.merkle import EMPTY_ROOT, CompactRange
from marketplace.models import Organisation, User

# What no program may do, whatever it asks for: change or take away what the log holds, or leave a place empty. Run by a
# migration, and by the test of it.
LOG_ONLY_GROWS = """
CREATE FUNCTION finance_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING MESSAGE = 'the evidence log is only ever added to', ERRCODE = 'restrict_violation';
END
$$;
CREATE FUNCTION finance_log_has_no_gap() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.index > 0 AND NOT EXISTS (SELECT 1 FROM finance_logleaf WHERE index = NEW.index - 1) THEN
        RAISE EXCEPTION USING MESSAGE = 'a leaf of the evidence log follows the leaf before it',
            ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION finance_log_head_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR NEW.size <= OLD.size THEN
        RAISE EXCEPTION USING MESSAGE = 'the evidence log only grows', ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER log_leaf_is_never_changed BEFORE UPDATE OR DELETE ON finance_logleaf
    FOR EACH ROW EXECUTE FUNCTION finance_log_only_grows();
CREATE TRIGGER log_leaf_leaves_no_gap BEFORE INSERT ON finance_logleaf
    FOR EACH ROW EXECUTE FUNCTION finance_log_has_no_gap();
CREATE TRIGGER log_node_is_never_changed BEFORE UPDATE OR DELETE ON finance_lognode
    FOR EACH ROW EXECUTE FUNCTION finance_log_only_grows();
CREATE TRIGGER log_head_only_grows BEFORE UPDATE OR DELETE ON finance_loghead
    FOR EACH ROW EXECUTE FUNCTION finance_log_head_only_grows();
CREATE TRIGGER checkpoint_is_never_changed BEFORE UPDATE OR DELETE ON finance_checkpoint
    FOR EACH ROW EXECUTE FUNCTION finance_log_only_grows();
CREATE TRIGGER cosignature_is_never_changed BEFORE UPDATE OR DELETE ON finance_cosignature
    FOR EACH ROW EXECUTE FUNCTION finance_log_only_grows();
"""
LOG_MAY_SHRINK = """
DROP TRIGGER log_leaf_is_never_changed ON finance_logleaf;
DROP TRIGGER log_leaf_leaves_no_gap ON finance_logleaf;
DROP TRIGGER log_node_is_never_changed ON finance_lognode;
DROP TRIGGER log_head_only_grows ON finance_loghead;
DROP TRIGGER checkpoint_is_never_changed ON finance_checkpoint;
DROP TRIGGER cosignature_is_never_changed ON finance_cosignature;
DROP FUNCTION finance_log_only_grows();
DROP FUNCTION finance_log_has_no_gap();
DROP FUNCTION finance_log_head_only_grows();
"""


class LogLeafQuerySet(models.QuerySet):
    def in_order(self) -> Self:
        return self.order_by("index")

    def of_firm(self, pseudonym: str) -> Self:
        """Return the leaves whose content names this firm, by the name that the log knows it under."""
        return self.filter(content__organisation=pseudonym)


class LogLeaf(models.Model):
    """One thing that happened, at its place in the log. Rows are only ever added: triggers of the database see to it."""

    index = models.BigIntegerField(_("place"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=60)
    # Hashes, ids and counts; nothing personal. No fractions, so that its written form is the same everywhere.
    content = models.JSONField(_("content"))
    at = models.DateTimeField(_("time"))
    leaf_hash = models.BinaryField(max_length=32)

    objects = LogLeafQuerySet.as_manager()

    class Meta:
        verbose_name = _("leaf of the evidence log")
        verbose_name_plural = _("leaves of the evidence log")
        indexes = [models.Index(KeyTransform("organisation", "content"), "kind", name="log_leaf_of_firm")]
        constraints = [
            models.CheckConstraint(name="log_leaf_counts_from_zero", condition=Q(index__gte=0)),
            models.CheckConstraint(name="log_leaf_is_of_a_kind", condition=Q(kind__regex=r"^[a-z_]+\.[a-z_]+$")),
        ]

    def __str__(self):
        return f"{self.index}: {self.kind}"

    @property
    def hash_hex(self) -> str:
        return bytes(self.leaf_hash).hex()

    def entry(self) -> dict[str, Any]:
        """Return what is hashed, as a proof hands it out."""
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return {"at": at, "content": self.content, "kind": self.kind}


class LogNode(models.Model):
    """The root of a full subtree above the leaves: level 1 joins two leaves. It never changes, so proofs are read off."""

    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = _("node of the evidence log")
        verbose_name_plural = _("nodes of the evidence log")
        constraints = [
            models.UniqueConstraint(name="log_node_has_its_place", fields=["level", "index"]),
            models.CheckConstraint(name="log_node_is_above_the_leaves", condition=Q(level__gte=1, index__gte=0)),
        ]

    def __str__(self):
        return f"{self.level}/{self.index}"


class LogHead(models.Model):
    """Where the log ends: the one row whose lock lets one transaction at a time append."""

    THE_ONE = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=THE_ONE)
    # How every checkpoint of this log begins; it stays, wherever the instance moves.
    origin = models.CharField(max_length=200, default="")
    size = models.BigIntegerField(default=0)
    # The roots of the full subtrees, the largest first, in hexadecimal: what an append needs.
    frontier = models.JSONField(default=list)

    class Meta:
        verbose_name = _("head of the evidence log")
        verbose_name_plural = _("heads of the evidence log")
        constraints = [
            models.CheckConstraint(name="log_has_one_head", condition=Q(id=1)),
            models.CheckConstraint(name="log_head_is_not_negative", condition=Q(size__gte=0)),
        ]

    def __str__(self):
        return str(self.size)

    def range(self) -> CompactRange:
        return CompactRange(self.size, [bytes.fromhex(one) for one in self.frontier])

    @property
    def root(self) -> bytes:
        return self.range().root() if self.size else EMPTY_ROOT


class CheckpointQuerySet(models.QuerySet):
    def newest_first(self) -> Self:
        return self.order_by("-size")

    def with_cosignatures(self) -> Self:
        signed = Cosignature.objects.select_related("witness__organisation").order_by("witness_id")
        return self.prefetch_related(models.Prefetch("cosignatures", signed))


class Checkpoint(models.Model):
    """What the log was at one size, signed by this instance: a C2SP tlog-checkpoint. Rows are only ever added."""

    size = models.BigIntegerField(_("leaves"), unique=True)
    root = models.CharField(_("root"), max_length=64)
    # Origin, size and root as they are signed, and the line of this instance's signature.
    body = models.TextField()
    signature_line = models.CharField(max_length=300)
    at = models.DateTimeField(_("signed"))

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("checkpoint")
        verbose_name_plural = _("checkpoints")
        constraints = [
            models.CheckConstraint(name="checkpoint_is_of_some_leaves", condition=Q(size__gte=1)),
            models.CheckConstraint(name="checkpoint_root_is_a_hash", condition=Q(root__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self):
        return f"{self.size}: {self.root}"

    def note(self) -> str:
        """Return the signed note with every signature; fetch it ``with_cosignatures()`` to ask no query more."""
        lines = [self.signature_line, *(one.line for one in self.cosignatures.all())]
        return "".join([self.body, "\n", *(f"{line}\n" for line in lines)])


class WitnessQuerySet(models.QuerySet):
    def active(self) -> Self:
        return self.filter(retired_at=None)

    def managed_by(self, user: User) -> Self:
        """Return the witnesses of the organisations that this user may sign for."""
        return self.filter(organisation__in=Organisation.objects.of(user, *Witness.SIGNING_ROLES))


class Witness(models.Model):
    """An organisation that co-signs checkpoints, so that nobody can be shown another log than it saw.

    Its key lies with itself, and it posts its signatures; or with this instance, which proves less: for trying it out.
    """

    SIGNING_ROLES = ("owner", "maker", "checker")

    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="witnesses")
    name = models.CharField(_("name of the key"), max_length=120, unique=True)
    public_key = models.CharField(_("public key"), max_length=64)
    is_held_here = models.BooleanField(_("the key lies on this instance"), default=False)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = WitnessQuerySet.as_manager()

    class Meta:
        verbose_name = _("witness")
        verbose_name_plural = _("witnesses")
        constraints = [
            models.UniqueConstraint(
                name="witness_one_active_per_organisation", fields=["organisation"], condition=Q(retired_at=None)
            ),
            models.CheckConstraint(name="witness_has_a_key", condition=Q(public_key__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self):
        return self.name


class Cosignature(models.Model):
    """A witness saw this checkpoint, and that the log only grew since the last one it saw. Rows are only ever added."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="cosignatures")
    witness = models.ForeignKey(Witness, on_delete=models.PROTECT, related_name="cosignatures")
    line = models.CharField(max_length=300)
    at = models.DateTimeField(_("signed"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = _("co-signature")
        verbose_name_plural = _("co-signatures")
        constraints = [models.UniqueConstraint(name="cosignature_once_per_witness", fields=["checkpoint", "witness"])]

    def __str__(self):
        return f"{self.witness_id} signed {self.checkpoint_id}"
