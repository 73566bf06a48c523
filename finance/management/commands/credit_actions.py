import json
from typing import Any

from django.core.management.base import BaseCommand

from finance.models import Application
from finance.services.credit_actions import ACTIONS


class Command(BaseCommand):
    help = "Print who may do what with a credit application in which state, from the table that the services ask."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="write the table as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [
            {
                "action": action.name,
                "side": "firm" if action.is_of_firm else "bank",
                "roles": [str(role) for role in action.roles],
                "states": [str(state) for state in action.states],
                "maker_may": not action.is_second,
                "only_the_holder": action.by_holder,
                "anybody_but_the_holder": action.not_by_holder,
            }
            for action in ACTIONS.values()
        ]
        if options["json"]:
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        states = [str(state) for state in Application.Status]
        width = max(len(state) for state in states)
        self.stdout.write(f"{'action':<14}{'side':<6}{'roles':<22}" + " ".join(f"{one:<{width}}" for one in states))
        for row in rows:
            # 2: only a person who did not make it; h: only who has it in hand; o: any other.
            mark = "h" if row["only_the_holder"] else "o" if row["anybody_but_the_holder"] else "x"
            mark = mark if row["maker_may"] else "2"
            cells = " ".join(f"{mark if one in row['states'] else '·':<{width}}" for one in states)
            self.stdout.write(f"{row['action']:<14}{row['side']:<6}{','.join(row['roles']):<22}{cells}")
        self.stdout.write("x allowed · 2 only for another than the maker · h only for who has it · o only for another")
