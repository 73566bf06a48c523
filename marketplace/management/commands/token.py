from django.core.management.base import BaseCommand, CommandError

from marketplace.models import User
from marketplace.services import accounts


class Command(BaseCommand):
    help = "Print a new API token of a user, and nothing else."

    def add_arguments(self, parser):
        parser.add_argument("username")

    def handle(self, *, username, **_options):
        user = User.objects.filter(username=username, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user “{username}”.")
        self.stdout.write(accounts.make_token(user=user))
