"""Who plays in the demo's deals."""

from dataclasses import dataclass

from marketplace.models import Organisation, Park, User


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays in the deals."""

    buyer: User
    seller: User
    operator: User
    # Acts for the firms that no demo user owns.
    desk: User
    pump_maker: Organisation
    valve_maker: Organisation
    park: Park
