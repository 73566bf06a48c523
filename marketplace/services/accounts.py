from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from knox.models import AuthToken

from config.errors import InputRefused
from marketplace.models import User


@transaction.atomic
def sign_up(*, username: str, email: str, password: str, language: str = "zh-hans") -> User:
    """Make an account; who it may act for follows from memberships.

    :raises InputRefused: naming each field that cannot be taken
    """
    user = User(username=User.normalize_username(username.strip()), email=email.strip().lower(), language=language)
    user.set_password(password)
    errors: dict[str, list[str]] = {}
    if not user.email:
        errors["email"] = [_("Enter your e-mail address.")]
    try:
        validate_password(password, user)
    except ValidationError as error:
        errors["password"] = error.messages
    try:
        user.full_clean(exclude={"password"})
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            # The rule that an address belongs to one account is a constraint of the whole row.
            errors.setdefault("email" if field == "__all__" else field, []).extend(messages)
    if errors:
        raise InputRefused(errors)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError as error:  # somebody took the name or the address a moment ago
        field = "email" if "email" in str(error) else "username"
        raise InputRefused({field: [_("Another account uses this.")]}) from error
    return user


@transaction.atomic
def change_language(*, user: User, language: str) -> None:
    """Keep the language this user reads pages and mails in.

    :raises InputRefused: if the platform does not speak it
    """
    if language not in dict(settings.LANGUAGES):
        raise InputRefused({"language": [_("The platform does not speak this language.")]})
    User.objects.filter(pk=user.pk).update(language=language)


@transaction.atomic
def make_token(*, user: User) -> str:
    """Return a new API token of the user; only its hash is kept."""
    _row, token = AuthToken.objects.create(user)
    return token


@transaction.atomic
def revoke_tokens(*, user: User, only: AuthToken | None = None) -> None:
    """Make a token worthless, or all of the user's."""
    tokens = AuthToken.objects.filter(user=user)
    (tokens.filter(pk=only.pk) if only else tokens).delete()
