"""What measures, models and attacks of a validation pack are called."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

MEASURES: dict[str, str | Promise] = {
    "auc": _("AUC"),
    "pr_auc": _("Area under precision and recall"),
    "ks": _("Kolmogorov–Smirnov"),
    "brier": _("Brier score"),
    "log_loss": _("Log loss"),
    "calibration_slope": _("Calibration slope"),
}
RIVALS: dict[str, str | Promise] = {
    "constant": _("The same probability for all"),
    "plain_regression": _("Plain logistic regression"),
    "lightgbm": _("Gradient boosting (LightGBM)"),
    "monotone_tables": _("Monotone boosting in tables"),
    "ebm": _("Explainable boosting machine"),
    "optbinning": _("Binned scorecard (optbinning)"),
    "late_payment": _("This model"),
    "past_share": _("The payer's past share of late invoices"),
    "base_rate": _("The same probability for all"),
    "boosting": _("Gradient boosting (LightGBM)"),
}
ATTACKS: dict[str, str | Promise] = {
    "circular_sales": _("Circular sales"),
    "bought_volume": _("Bought volume"),
    "split_invoices": _("Split invoices"),
}
METHODS: dict[str, str | Promise] = {
    "accept_only": _("Accepted firms only"),
    "fuzzy": _("Fuzzy augmentation"),
    "parcelled_1": _("Parcelling, as bad as accepted firms"),
    "parcelled_2": _("Parcelling, twice as bad"),
    "parcelled_4": _("Parcelling, four times as bad"),
}


def rival_name(name: str) -> str | Promise:
    return RIVALS.get(name, name)


def attack_name(name: str) -> str | Promise:
    return ATTACKS.get(name, name)


def method_name(name: str) -> str | Promise:
    return METHODS.get(name, name)
