from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from finance.forms.monitoring import AnswerAlarmForm
from finance.models import Alarm, EarlyWarning, MonitoringRun
from finance.services import monitoring
from finance.services.charts_monitoring import figures_of
from marketplace.models import Organisation

SHOWN_RUNS = 24
PLATFORM = "platform"


def _tenants(user):
    """Return whose models the user looks after: the banks' where they work with them, and the operator the platform's."""
    banks = Organisation.objects.of(user, *EarlyWarning.READING_ROLES).filter(kind=Organisation.Kind.BANK)
    found = {str(bank.pk): bank for bank in banks.order_by("pk")}
    return found | ({PLATFORM: None} if user.is_staff else {})


def _tenant(tenants, said):
    """Return the chosen tenant, or without a choice the first; a stranger finds nothing."""
    key = said or next(iter(tenants), None)
    if key not in tenants:
        raise Http404
    return key, tenants[key]


@login_required
@require_GET
def bank_monitoring(request):
    return _shown(request)


def _shown(request, *, form=None, alarm=None):
    tenants = _tenants(request.user)
    chosen = _key(alarm.bank) if alarm else request.GET.get("tenant")
    key, bank = _tenant(tenants, chosen)
    runs = MonitoringRun.objects.filter(bank=bank).with_names().defer("results").order_by("-requested_at", "-pk")
    done = MonitoringRun.objects.filter(bank=bank).with_names().done().order_by("-until", "-pk")
    asked = request.GET.get("run", "")
    run = get_object_or_404(done, pk=asked) if asked.isdigit() else done.first()
    alarms = Alarm.objects.filter(bank=bank).exclude(status=Alarm.Status.PASSED).select_related("answered_by")
    context = {
        "tenants": tenants,
        "tenant": key,
        "bank": bank,
        "runs": runs[:SHOWN_RUNS],
        "is_waiting": MonitoringRun.objects.filter(bank=bank).unfinished().exists(),
        "run": run,
        "results": run.results if run else {},
        "figures": figures_of(run.results) if run else {},
        "alarms": alarms.order_by("status", "-light", "kind", "subject"),
        "may_answer": Alarm.objects.filter(bank=bank).editable_by(request.user).values_list("pk", flat=True),
        "form": form or AnswerAlarmForm(),
        "answering": alarm.pk if alarm else None,
    }
    return render(request, "finance/bank_monitoring.html", context, status=form.http_status if form else 200)


def _key(bank):
    return str(bank.pk) if bank else PLATFORM


def _back(bank):
    return redirect(f"{reverse('finance:bank_monitoring')}?tenant={_key(bank)}")


@login_required
@require_POST
def monitoring_request(request):
    _key_said, bank = _tenant(_tenants(request.user), request.POST.get("tenant"))
    monitoring.request_look(bank=bank, by=request.user, now=timezone.now())
    messages.success(request, _("The model is being looked at."))
    return _back(bank)


@login_required
@require_POST
def alarm_answer(request, pk):
    alarm = get_object_or_404(Alarm.objects.editable_by(request.user).select_related("bank"), pk=pk)
    form = AnswerAlarmForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            monitoring.answer_alarm(alarm=alarm, by=request.user, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _("The alarm was answered."))
            return _back(alarm.bank)
    return _shown(request, form=form, alarm=alarm)
