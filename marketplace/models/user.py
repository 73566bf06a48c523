from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person; what they may do follows from their memberships, or from being staff (the platform operator)."""

    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="zh-hans")
    phone = models.CharField(_("phone"), max_length=30, blank=True)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_belongs_to_one_user",
                condition=~Q(email=""),
                violation_error_message=_("Another account uses this e-mail address."),
            ),
        ]
