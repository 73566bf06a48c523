from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from marketplace.models.attachment import Attachment
from marketplace.models.negotiation import Negotiation
from marketplace.models.organisation import Organisation
from marketplace.models.rfq import RfqInvitation
from marketplace.models.user import User
from marketplace.parsing.regions import place_name, regions

# Everybody may know it, whether they negotiate or not.
ALWAYS = 0


class DisclosureQuerySet(models.QuerySet):
    def of(self, organisation: Organisation) -> Self:
        return self.filter(organisation=organisation)


class Disclosure(models.Model):
    """From which stage of a negotiation an organisation shows its name, its contact and its documents.

    An organisation that chose nothing shows what the defaults say.
    """

    organisation = models.OneToOneField(Organisation, on_delete=models.CASCADE, related_name="disclosure")
    name_from = models.PositiveSmallIntegerField(
        _("our name"),
        choices=[(ALWAYS, _("Always, on our listings too")), *Negotiation.Stage.choices],
        default=ALWAYS,
    )
    contact_from = models.PositiveSmallIntegerField(
        _("our contact"),
        choices=[(ALWAYS, _("Always, to everybody who is logged in")), *Negotiation.Stage.choices],
        default=Negotiation.Stage.ANSWERED,
    )
    documents_from = models.PositiveSmallIntegerField(
        _("our documents and certificates"), choices=Negotiation.Stage, default=Negotiation.Stage.ANSWERED
    )
    documents = models.ManyToManyField(Attachment, blank=True, related_name="+", verbose_name=_("documents"))
    is_lead = models.BooleanField(_("suppliers may find us as a possible customer"), default=True)
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = DisclosureQuerySet.as_manager()

    class Meta:
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")
        constraints = [
            models.CheckConstraint(
                name="disclosure_name_comes_no_later_than_contact", condition=Q(name_from__lte=F("contact_from"))
            ),
            models.CheckConstraint(
                name="disclosure_name_comes_no_later_than_documents", condition=Q(name_from__lte=F("documents_from"))
            ),
        ]

    def __str__(self):
        return f"{self.organisation_id}: {self.name_from}, {self.contact_from}, {self.documents_from}"


def disclosure_of(organisation: Organisation) -> Disclosure:
    """Return what an organisation chose, or the defaults, not saved; costs nothing where it was fetched with it."""
    try:
        return organisation.disclosure
    except Disclosure.DoesNotExist:
        return Disclosure(organisation=organisation)


def names_at(organisation: Organisation, stage: int) -> tuple[str, str]:
    """Return the name in Chinese and in English that the other side of a negotiation at this stage is told."""
    if disclosure_of(organisation).name_from <= stage:
        return organisation.name_zh or organisation.name_en, organisation.name_en or organisation.name_zh
    return nameless(organisation)


def nameless(organisation: Organisation) -> tuple[str, str]:
    """Return what a firm is called that hides its name: by its city, in Chinese and in English."""
    city = f"{organisation.region[:4]}00"
    code = city if city in regions() else organisation.region
    if code not in regions():
        return "一家企业", "A firm"
    return f"{regions()[code].name_zh}企业", f"A firm in {place_name(code, 'en').split(',')[0]}"


class Reader:
    """What one user may know of other firms: asked for each row of a page, it reads the database once."""

    def __init__(self, user: User) -> None:
        self.user = user

    @classmethod
    def behind(cls, request) -> Self:
        """Return the reader who asks, the same one as long as the question is answered."""
        if not hasattr(request, "firm_reader"):
            request.firm_reader = cls(request.user)
        return request.firm_reader

    @cached_property
    def _own(self) -> set[int]:
        if not self.user.is_authenticated:
            return set()
        return set(self.user.memberships.values_list("organisation", flat=True))

    @cached_property
    def _stages(self) -> dict[int, int]:
        """Return how far the user's firms have come with each other firm."""
        stages: dict[int, int] = {}
        if not self._own:
            return stages
        pairs = Negotiation.objects.filter(Q(buyer__in=self._own) | Q(seller__in=self._own))
        for buyer, seller, stage in pairs.values_list("buyer", "seller", "stage"):
            for other in {buyer, seller} - self._own:
                stages[other] = max(stages.get(other, 0), stage)
        for other, stage in RfqInvitation.objects.stages_of(self._own):
            stages[other] = max(stages.get(other, 0), stage)
        return stages

    def _may(self, organisation: Organisation, needed: int) -> bool:
        if needed == ALWAYS or (self.user.is_authenticated and self.user.is_staff) or organisation.pk in self._own:
            return True
        return self._stages.get(organisation.pk, 0) >= needed

    def knows(self, organisation: Organisation) -> bool:
        """Say whether the user may know the firm by name."""
        return self._may(organisation, disclosure_of(organisation).name_from)

    def sees_contact(self, organisation: Organisation) -> bool:
        """Say whether the user may see whom to call."""
        return self.user.is_authenticated and self._may(organisation, disclosure_of(organisation).contact_from)

    def sees_documents(self, organisation: Organisation) -> bool:
        return self.user.is_authenticated and self._may(organisation, disclosure_of(organisation).documents_from)

    def name_of(self, organisation: Organisation) -> str:
        """Return the firm's name, or what it is called where it hides it, in the reader's language."""
        if self.knows(organisation):
            return organisation.name
        zh, en = nameless(organisation)
        return en if get_language() == "en" else zh

    def brief_of(self, organisation: Organisation) -> dict[str, object]:
        """Return what names a firm, by field: nothing but what it is called by where it hides its name."""
        if self.knows(organisation):
            return {name: getattr(organisation, name) for name in ("id", "uscc", "name_zh", "name_en")}
        zh, en = nameless(organisation)
        return {"id": None, "uscc": None, "name_zh": zh, "name_en": en}
