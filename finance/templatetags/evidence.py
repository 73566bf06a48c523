from django import template
from django.utils.translation import get_language

from finance.services.voucher_claims import LABELS
from finance.verify_voucher import canonical

register = template.Library()


@register.filter
def claim_names(names):
    """Return what was shown of a voucher, each by its label and once."""
    return ", ".join(dict.fromkeys(str(LABELS.get(name, name)) for name in names))


@register.filter
def as_canonical(entry):
    """Return an entry of the log as it is hashed."""
    return canonical(entry)


@register.filter
def signed_by(checkpoint, witness):
    """Say whether a witness co-signed a checkpoint that was fetched ``with_cosignatures()``."""
    return any(one.witness_id == witness.pk for one in checkpoint.cosignatures.all())


@register.filter
def either_name(subject):
    """Return a firm's name in the reader's language, or in the one there is."""
    first, second = ("name_en", "name_zh") if get_language() == "en" else ("name_zh", "name_en")
    return subject.get(first) or subject.get(second) or subject.get("code", "")
