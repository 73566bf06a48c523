from django import forms
from django.contrib.auth import forms as auth_forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import User


class SignUpForm(ShowsRefusals):
    username = forms.CharField(
        label=_("User name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 9 characters, not only digits, not a common word."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class LogInForm(auth_forms.AuthenticationForm):
    """Take the user name or the e-mail address."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["username"].label = _("User name or e-mail")

    def clean_username(self):
        name = self.cleaned_data["username"]
        if "@" in name:
            user = User.objects.filter(email__iexact=name).first()
            return user.username if user else name
        return name


class PasswordResetForm(auth_forms.PasswordResetForm):
    """Write to each person in the language they read, whatever the page's language is."""

    def send_mail(self, subject_template_name, email_template_name, context, *args, **options):
        with override(context["user"].language):
            super().send_mail(subject_template_name, email_template_name, context, *args, **options)
