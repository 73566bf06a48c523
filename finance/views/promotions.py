from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from finance.forms.scorecards import PromotionRuleForm
from finance.models import PromotionRule, Scorecard
from finance.runs.scorecards import serving_for
from finance.services import promotions, scorecard_pages
from marketplace.views.once import once


@login_required
@once
def promotion_rule_create(request, pk):
    """Say what a challenger must show before it may serve."""
    scorecard = get_object_or_404(Scorecard.objects.visible_to(request.user).with_names(), pk=pk)
    if not scorecard_pages.may(request.user, scorecard.bank, Scorecard.SIGNING_ROLES):
        raise Http404
    form = PromotionRuleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals():
            promotions.make_rule(scorecard=scorecard, fields=form.cleaned_data, by=request.user, now=timezone.now())
            messages.success(request, _("The rule stands: firms scored from now on count."))
            return redirect("finance:scorecard_detail", pk)
    context = {"form": form, "scorecard": scorecard, "champion": serving_for(scorecard.bank, now=timezone.now())}
    return render(request, "finance/promotion_rule_create.html", context, status=form.http_status)


def _rule(request, pk):
    return get_object_or_404(PromotionRule.objects.visible_to(request.user).with_names(), pk=pk)


@login_required
@require_POST
def promotion_rule_sign(request, pk):
    rule = _rule(request, pk)
    signed = promotions.sign_rule(rule=rule, by=request.user, now=timezone.now())
    if signed.promoted_at:
        messages.success(request, _("It serves from now on."))
    else:
        messages.success(request, _("Signed: a second person signs too."))
    return redirect("finance:scorecard_detail", rule.scorecard_id)


@login_required
@require_POST
def promotion_rule_withdraw(request, pk):
    rule = _rule(request, pk)
    promotions.withdraw_rule(rule=rule, by=request.user, now=timezone.now())
    return redirect("finance:scorecard_detail", rule.scorecard_id)
