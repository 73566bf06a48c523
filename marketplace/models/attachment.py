from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from marketplace.models.organisation import Organisation
from marketplace.models.user import User

# What a browser may draw in a page; everything else is only ever downloaded.
IMAGE_TYPES = ("image/png", "image/jpeg", "image/webp")


class AttachmentQuerySet(models.QuerySet):
    def readable_by(self, user: User) -> Self:
        """Return the files shown to an organisation of this user's; to the platform operator those shown to it."""
        if not user.is_authenticated:
            return self.none()
        shown = AttachmentReader.objects.filter(
            attachment=OuterRef("pk"), organisation__in=Organisation.objects.of(user)
        )
        readable = Q(Exists(shown))
        if user.is_staff:
            readable |= Q(is_shown_to_operator=True)
        return self.filter(readable)

    def attachable_by(self, user: User, organisation: Organisation) -> Self:
        """Return the files that this user may hang on what the organisation says: its members uploaded them."""
        return self.readable_by(user).filter(
            Exists(AttachmentReader.objects.filter(attachment=OuterRef("pk"), organisation=organisation)),
            Exists(organisation.memberships.filter(user=OuterRef("uploaded_by"))),
        )

    def with_names(self) -> Self:
        return self.select_related("uploaded_by")


class Attachment(models.Model):
    """A file that somebody uploaded, kept by its content outside the web root and read by the named organisations."""

    name = models.CharField(_("name"), max_length=160)
    content_type = models.CharField(_("type"), max_length=100)
    size = models.PositiveIntegerField(_("size"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    organisation_readers = models.ManyToManyField(Organisation, through="AttachmentReader", related_name="+")
    is_shown_to_operator = models.BooleanField(_("shown to the platform operator"), default=False)
    created_at = models.DateTimeField(_("uploaded at"))

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = [
            models.CheckConstraint(name="attachment_is_not_empty", condition=Q(size__gt=0)),
            models.CheckConstraint(name="attachment_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(name="attachment_is_known_by_its_hash", condition=Q(sha256__regex="^[0-9a-f]{64}$")),
        ]

    def __str__(self):
        return self.name

    @property
    def path(self) -> str:
        """Return where the content lies in the storage; the same content lies there once, whoever uploads it."""
        return f"attachments/{self.sha256[:2]}/{self.sha256}"

    @property
    def is_image(self) -> bool:
        return self.content_type in IMAGE_TYPES


class AttachmentReader(models.Model):
    """An organisation whose members may read a file."""

    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="readers")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="attachment_reader_once", fields=["attachment", "organisation"]),
        ]

    def __str__(self):
        return f"{self.attachment_id} is shown to {self.organisation_id}"
