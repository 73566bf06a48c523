"""On which side of credit somebody works."""

from marketplace.models import Organisation, User

SIDES = {
    Organisation.Kind.BANK: "bank",
    Organisation.Kind.INSURER: "partner",
    Organisation.Kind.GUARANTOR: "partner",
}


def side_of(user: User) -> str:
    """Return ``bank``, ``partner`` (an insurer or guarantor) or ``firm``; who works for several: the first of these."""
    if not user.is_authenticated:
        return "firm"
    kinds = set(Organisation.objects.of(user).values_list("kind", flat=True))
    sides = {SIDES.get(kind, "firm") for kind in kinds}
    return next((side for side in ("bank", "partner") if side in sides), "firm")
