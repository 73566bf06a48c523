from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from marketplace.models import Membership, Organisation, Park, User
from marketplace.parsing.regions import regions
from marketplace.services.organisations import require_role


class OnlyParkOperatorsRunParks(RuleBroken):
    pass


def require_park_manager(by: User, park: Park) -> None:
    require_role(by, park.organisation, *Park.MANAGING_ROLES)


def require_park_staff(by: User, park: Park) -> None:
    require_role(by, park.organisation, *Park.STAFF_ROLES)


def manages(user: User, park: Park) -> bool:
    """Say whether the user decides in this park."""
    return park.organisation.memberships.filter(user=user, role__in=Park.MANAGING_ROLES).exists()


def works_at(user: User, park: Park) -> bool:
    """Say whether the user works on the grounds of this park."""
    return park.organisation.memberships.filter(user=user, role__in=Park.STAFF_ROLES).exists()


def _checked(park: Park) -> None:
    errors: dict[str, list[str]] = {}
    if not (park.name_zh.strip() or park.name_en.strip()):
        errors["name_zh"] = [_("Give the park a name, in Chinese or in English.")]
    if park.region not in regions():
        errors["region"] = [_("No place has this name or code: try the city or the province.")]
    if errors:
        raise InputRefused(errors)


@transaction.atomic
def create_park(*, organisation: Organisation, code: str, by: User, now: datetime, **profile: str) -> Park:
    """Open a park of this operator.

    ``profile`` are fields of ``Park.PROFILE_FIELDS``.

    :raises OnlyParkOperatorsRunParks: if the organisation is of another kind
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, organisation, Membership.Role.OWNER, Membership.Role.OPERATOR)
    if organisation.kind != Organisation.Kind.PARK_OPERATOR:
        raise OnlyParkOperatorsRunParks(_("Only an organisation of the kind “park operator” runs parks."))
    park = Park(organisation=organisation, code=code.strip().upper(), created_at=now)
    _fill(park, profile)
    if not park.code or not park.code.replace("-", "").isalnum() or not park.code.isascii() or len(park.code) < 2:
        raise InputRefused({"code": [_("Letters, digits and hyphens: two at least.")]})
    try:
        with transaction.atomic():
            park.save()
    except IntegrityError as error:
        if "code" not in str(error):
            raise
        raise InputRefused({"code": [_("Another park has this code.")]}) from error
    return park


def _fill(park: Park, profile: dict) -> None:
    if unknown := set(profile) - {*Park.PROFILE_FIELDS, "is_active"}:
        raise InputRefused({field: [_("A park has no such field.")] for field in sorted(unknown)})
    for field, value in profile.items():
        setattr(park, field, value)
    _checked(park)


@transaction.atomic
def edit_park(*, park: Park, by: User, **profile: str) -> Park:
    """Change what the operator says of the park, or take it out of service.

    :raises InputRefused: naming each field that cannot be taken
    """
    park = Park.objects.with_names().select_for_update(of=("self",), no_key=True).get(pk=park.pk)
    require_park_manager(by, park)
    _fill(park, profile)
    park.save()
    return park
