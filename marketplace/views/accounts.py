"""Sign-up, log-in, password and language; what Django has, it does."""

from django.conf import settings
from django.contrib.auth import login, views
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from marketplace.forms import LogInForm, PasswordResetForm, SignUpForm
from marketplace.services import accounts


def _next_of(request, default: str) -> str:
    """Return where the reader wanted to go, if that is on this site."""
    wanted = request.POST.get("next", request.GET.get("next", ""))
    is_ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if is_ours else resolve_url(default)


@never_cache
@sensitive_post_parameters("password")
def sign_up(request):
    if request.user.is_authenticated:
        return redirect(_next_of(request, "marketplace:workspace"))
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            user = accounts.sign_up(**form.cleaned_data, language=get_language())
            login(request, user)
            return redirect(_next_of(request, "marketplace:organisation_create"))
    context = {"form": form, "next": request.POST.get("next", request.GET.get("next", ""))}
    return render(request, "marketplace/sign_up.html", context, status=form.http_status)


class LogIn(views.LoginView):
    """Log in, and read pages in the language kept with the account."""

    template_name = "marketplace/log_in.html"
    authentication_form = LogInForm
    redirect_authenticated_user = True

    def form_valid(self, form):
        response = super().form_valid(form)
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, form.get_user().language)
        return response


class PasswordReset(views.PasswordResetView):
    template_name = "marketplace/password_reset.html"
    form_class = PasswordResetForm
    email_template_name = "marketplace/password_reset_mail.txt"
    subject_template_name = "marketplace/password_reset_subject.txt"
    success_url = reverse_lazy("marketplace:password_reset_done")


class PasswordResetConfirm(views.PasswordResetConfirmView):
    template_name = "marketplace/password_reset_confirm.html"
    success_url = reverse_lazy("marketplace:password_reset_complete")


class PasswordChange(views.PasswordChangeView):
    template_name = "marketplace/password_change.html"
    success_url = reverse_lazy("marketplace:password_change_done")


@require_POST
def language_change(request):
    """Show the pages in another language, from now on for this person and for this browser."""
    if request.user.is_authenticated:
        accounts.change_language(user=request.user, language=request.POST.get("language", ""))
    return set_language(request)
