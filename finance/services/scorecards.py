"""A bank's own models, and where it draws its lines on their scores; beside the platform's, which its operator keeps."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from config.errors import InputRefused, RuleBroken
from finance.models import CutOffs, Scorecard
from finance.runs import scorecards as registry
from finance.services import evidence
from finance.services.scorecard_files import read_scorecard
from marketplace.models import Organisation, User
from marketplace.services.organisations import require_platform_operator, require_role

LONGEST_REASON = 500


class ScorecardNotInStateForThis(RuleBroken):
    pass


class ScorecardKnownAlready(RuleBroken):
    pass


class SecondPersonNeeded(RuleBroken):
    pass


class PlatformNeedsAModel(RuleBroken):
    pass


class CutOffsNoLongerWait(RuleBroken):
    pass


def require_tenant(by: User, bank: Organisation | None, *roles: str) -> None:
    """Refuse unless the user acts for this bank in one of these roles; for the platform: is its operator."""
    if bank is None:
        require_platform_operator(by)
    else:
        require_role(by, bank, *roles)


def tenant_in_log(bank: Organisation | None) -> str:
    return evidence.pseudonym(bank) if bank else "platform"


@transaction.atomic
def upload_scorecard(
    *, bank: Organisation | None, name: str, content: bytes | Mapping[str, Any], by: User, now: datetime
) -> Scorecard:
    """Take in a model as a draft of this tenant, under its hash and this instance's signature.

    :raises OnlyMembersMay: if ``by`` does not make models for the bank
    :raises InputRefused: if the file is no model, naming the path of each thing that is wrong
    :raises ScorecardKnownAlready: if the tenant has the very same already
    """
    require_tenant(by, bank, *Scorecard.MAKING_ROLES)
    if bank is not None and bank.kind != Organisation.Kind.BANK:
        raise InputRefused({"bank": [_("Only a bank has models of its own.")]})
    card, family = read_scorecard(content)
    same = Scorecard.objects.of(bank).filter(sha256=registry.digest(card)).first()
    if same:
        raise ScorecardKnownAlready(_("This is the model “%(name)s”, which is here already.") % {"name": same})
    row = registry.add(
        bank=bank,
        content=card,
        name=(name.strip() or _("Own model"))[:100],
        family=family,
        status=Scorecard.Status.DRAFT,
        by=by,
        now=now,
    )
    _witness("scorecard.taken_in", row, now)
    return row


@transaction.atomic
def put_in_shadow(*, scorecard: Scorecard, by: User, now: datetime) -> Scorecard:
    """Let a draft ride beside the model that serves: it scores the same firms, and nobody decides by it.

    :raises ScorecardTampered: if the row is not what was taken in
    :raises ScorecardNotInStateForThis: if it is no draft
    """
    require_tenant(by, scorecard.bank, *Scorecard.MAKING_ROLES)
    registry.load(scorecard)
    if not _become(scorecard, Scorecard.Status.SHADOW):
        raise _not_in_state(scorecard)
    _witness("scorecard.put_in_shadow", scorecard, now)
    return scorecard


@transaction.atomic
def retire_scorecard(*, scorecard: Scorecard, by: User, now: datetime, why: str = "") -> Scorecard:
    """Let a model score no more. What serves goes only by two: the first asks and says why, the second does it.

    A bank whose own model goes is scored by the platform's again.

    :raises ScorecardNotInStateForThis: if it is retired already
    :raises SecondPersonNeeded: if the same person asked for it
    :raises PlatformNeedsAModel: if it is the platform's that serves, which only another can take the place of
    :raises InputRefused: if the first says nothing of why
    """
    require_tenant(by, scorecard.bank, *Scorecard.SIGNING_ROLES)
    scorecard = Scorecard.objects.select_for_update(of=("self",)).select_related("bank").get(pk=scorecard.pk)
    if scorecard.status != Scorecard.Status.SERVING:
        if not _become(scorecard, Scorecard.Status.RETIRED, retired_by=by, retired_at=now):
            raise _not_in_state(scorecard)
    elif scorecard.bank_id is None:
        raise PlatformNeedsAModel(_("The platform's model serves until another takes its place."))
    elif scorecard.retirement_asked_by_id is None:
        return _ask_retirement(scorecard, by, why)
    elif scorecard.retirement_asked_by_id == by.pk:
        raise SecondPersonNeeded(_("You asked for it: another person takes it out of service."))
    else:
        _become(scorecard, Scorecard.Status.RETIRED, retired_by=by, retired_at=now)
    _witness("scorecard.retired", scorecard, now)
    return scorecard


def _ask_retirement(scorecard: Scorecard, by: User, why: str) -> Scorecard:
    if not why.strip():
        raise InputRefused({"why": [_("Say why, so that others understand it later.")]})
    scorecard.retirement_asked_by, scorecard.retirement_reason = by, why.strip()[:LONGEST_REASON]
    scorecard.save(update_fields=["retirement_asked_by", "retirement_reason"])
    return scorecard


@transaction.atomic
def propose_cut_offs(
    *,
    bank: Organisation,
    scorecard: Scorecard,
    approve_from: int,
    refuse_below: int,
    why: str,
    by: User,
    now: datetime,
    grades: Sequence[Mapping[str, Any]] = (),
) -> CutOffs:
    """Propose from which score this bank's model approves and below which it refuses; another person confirms.

    :raises OnlyMembersMay: if ``by`` is no owner or maker of the bank
    :raises InputRefused: naming each field that cannot be taken
    """
    require_role(by, bank, *Scorecard.MAKING_ROLES)
    if scorecard.bank_id not in (None, bank.pk):
        raise InputRefused({"scorecard": [_("This is another bank's model.")]})
    errors: dict[str, list[str]] = {}
    if refuse_below > approve_from:
        errors["refuse_below"] = [_("It cannot lie above the score from which the model approves.")]
    if not why.strip():
        errors["why"] = [_("Say why, so that others understand it later.")]
    scale = _grades(grades, errors)
    if errors:
        raise InputRefused(errors)
    # A newer proposal takes the place of one that nobody has confirmed.
    CutOffs.objects.waiting().filter(bank=bank, scorecard=scorecard).update(ended_at=now)
    return CutOffs.objects.create(
        bank=bank,
        scorecard=scorecard,
        approve_from=approve_from,
        refuse_below=refuse_below,
        grades=scale,
        why=why.strip()[:LONGEST_REASON],
        proposed_by=by,
        proposed_at=now,
    )


def _grades(said: Sequence[Mapping[str, Any]], errors: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return a bank's own scale: names that differ, each up to a higher probability than the one before, the last to 1."""
    scale: list[dict[str, Any]] = []
    for place, one in enumerate(said):
        name, below = str(one.get("grade", "")).strip(), one.get("below")
        is_number = isinstance(below, int | float) and not isinstance(below, bool)
        if not name or len(name) > 5 or any(name == known["grade"] for known in scale):
            errors[f"grades.{place}.grade"] = [_("A name of one to five characters that no other grade has.")]
        elif not is_number or not (scale[-1]["below"] if scale else 0) < below <= 1:
            errors[f"grades.{place}.below"] = [_("A probability above that of the grade before, 1 at most.")]
        else:
            scale.append({"grade": name, "below": float(below)})
    if scale and not errors and scale[-1]["below"] != 1:
        errors["grades"] = [_("The last grade reaches up to the probability 1.")]
    return scale


@transaction.atomic
def confirm_cut_offs(*, cut_offs: CutOffs, by: User, now: datetime) -> CutOffs:
    """Let proposed cut-offs hold from now on, in place of those in force.

    :raises SecondPersonNeeded: if ``by`` proposed them
    :raises CutOffsNoLongerWait: if they were confirmed, withdrawn or replaced meanwhile
    """
    require_role(by, cut_offs.bank, *Scorecard.SIGNING_ROLES)
    if cut_offs.proposed_by_id == by.pk:
        raise SecondPersonNeeded(_("You proposed them: another person confirms."))
    # Whoever changes a tenant's lines waits here, so that one set is in force.
    Organisation.objects.select_for_update(no_key=True).get(pk=cut_offs.bank_id)
    same = CutOffs.objects.filter(bank=cut_offs.bank_id, scorecard=cut_offs.scorecard_id)
    if not same.waiting().filter(pk=cut_offs.pk).exists():
        raise CutOffsNoLongerWait(_("These cut-offs no longer wait for anybody."))
    same.in_force().update(ended_at=now)
    same.filter(pk=cut_offs.pk).update(confirmed_by=by, confirmed_at=now)
    cut_offs.refresh_from_db()
    content = {
        "tenant": tenant_in_log(cut_offs.bank),
        "scorecard": cut_offs.scorecard.sha256,
        "approve_from": cut_offs.approve_from,
        "refuse_below": cut_offs.refuse_below,
        "cut_offs": cut_offs.pk,
    }
    evidence.append(kind="cut_offs.confirmed", content=content, at=now)
    return cut_offs


@transaction.atomic
def withdraw_cut_offs(*, cut_offs: CutOffs, by: User, now: datetime) -> None:
    """Take a proposal back, or turn it down.

    :raises CutOffsNoLongerWait: if it was decided meanwhile
    """
    require_role(by, cut_offs.bank, *Scorecard.SIGNING_ROLES)
    if not CutOffs.objects.waiting().filter(pk=cut_offs.pk).update(ended_at=now):
        raise CutOffsNoLongerWait(_("These cut-offs no longer wait for anybody."))


def _become(scorecard: Scorecard, status: str, **changes: Any) -> bool:
    rows = Scorecard.objects.filter(pk=scorecard.pk, status__in=Scorecard.TRANSITIONS[status])
    if not rows.update(status=status, **changes):
        return False
    scorecard.refresh_from_db()
    return True


def _not_in_state(scorecard: Scorecard) -> ScorecardNotInStateForThis:
    return ScorecardNotInStateForThis(
        _("The model “%(name)s” is “%(status)s”: this is not possible now.")
        % {"name": scorecard, "status": scorecard.get_status_display()}
    )


def _witness(kind: str, scorecard: Scorecard, now: datetime) -> None:
    content = {"tenant": tenant_in_log(scorecard.bank), "version": scorecard.version, "sha256": scorecard.sha256}
    evidence.append(kind=kind, content=content, at=now)


def registry_of(bank: Organisation | None) -> list[Scorecard]:
    """Return a tenant's models, the newest first, with the names of whoever had a part in them."""
    return list(Scorecard.objects.of(bank).with_names().order_by(F("version").desc()))
