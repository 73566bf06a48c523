"""What a validation pack says, as blocks that a page and a PDF both draw."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from finance.scoring import plots
from finance.scoring.pack import digest
from finance.services.validation_words import MEASURES, attack_name, method_name, rival_name


@dataclass(frozen=True)
class Heading:
    text: str
    kind: str = "heading"


@dataclass(frozen=True)
class Paragraph:
    text: str
    kind: str = "paragraph"


@dataclass(frozen=True)
class Facts:
    pairs: tuple[tuple[str, str], ...]
    kind: str = "facts"


@dataclass(frozen=True)
class Table:
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: str = "table"


@dataclass(frozen=True)
class Figure:
    plot: plots.Plot
    kind: str = "figure"

    @property
    def svg(self) -> str:
        # Written by us from numbers and escaped labels.
        return mark_safe(plots.svg(self.plot))  # noqa: S308


Block = Heading | Paragraph | Facts | Table | Figure


def blocks(document: Mapping[str, Any]) -> Iterator[Block]:
    pack, seal = document["pack"], document["seal"]
    sections = pack["sections"]
    yield from _sources(pack, seal)
    yield from _scorecard(sections["scorecard"])
    yield from _credit(sections["credit"])
    yield from _grades(sections["grades"])
    if "beside" in sections["credit"]:
        yield from _rest_of_credit(sections["credit"])
    yield from _drift(sections["drift"])
    yield from _gaming(sections["gaming"])
    yield from _refused(sections["refused"])
    yield from _late_payment(sections["late_payment"])


def _sources(pack: Mapping[str, Any], seal: Mapping[str, str]) -> Iterator[Block]:
    made = timezone.localtime(datetime.fromisoformat(pack["made_at"]))
    code = pack["code"]
    yield Paragraph(
        _(
            "Every figure here was rebuilt by one command from the files below. Whoever has them runs the same command "
            "with --check and reads, line by line, which figures come out again."
        )
    )
    yield Facts(
        (
            (pgettext("validation", "Made"), date_format(made, "DATETIME_FORMAT")),
            (_("SHA-256 of the pack"), digest(pack)),
            (_("Signed by the key"), seal["public_key"]),
            (
                pgettext("version control", "Commit"),
                code["commit"] + (f" ({_('changed since')})" if code["changed_since"] else ""),
            ),
            (_("SHA-256 of the maths"), code["finance_sha256"]),
            *((file["name"], file["sha256"]) for file in pack["data"]),
        )
    )


def _scorecard(found: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading(_("The scorecard"))
    same = found["learned_anew_is_the_same"]
    yield Facts(
        (
            (_("SHA-256"), found["sha256"]),
            (_("Learned anew from these data"), _("the same, number for number") if same else _("another")),
            (_("Largest difference of a weight"), f"{found['largest_difference_of_a_weight']:.6g}"),
        )
    )


def _interval(found: Mapping[str, float]) -> str:
    return f"{found['value']:.3f} ({found['low']:.3f} – {found['high']:.3f})"


def _credit(found: Mapping[str, Any]) -> Iterator[Block]:
    ours = found["scorecard"]
    yield Heading(_("Discrimination, accuracy and calibration"))
    yield Paragraph(
        _(
            "Cross-validation of the whole procedure, %(folds)d folds, %(seeds)d times; 95 %% intervals by bootstrap over "
            "%(firms)d firms, %(defaults)d of them in default."
        )
        % {**found["protocol"], "firms": ours["firms"], "defaults": ours["defaults"]}
    )
    yield Table(
        (_("Measure"), _("Value (95 % interval)")),
        (
            *tuple((str(MEASURES[name]), _interval(ours[name])) for name in MEASURES if name in ours),
            (_("Mean probability, and the share in default"), f"{ours['mean_pd']:.3f} / {ours['default_rate']:.3f}"),
        ),
    )


def _grades(found: Mapping[str, Any]) -> Iterator[Block]:
    yield Figure(
        plots.curve_plot(
            _("Bad firms caught against good firms refused"),
            [tuple(point) for point in found["curve"]],
            names=(_("share of good firms refused"), _("share of bad firms caught")),
        )
    )
    yield Heading(_("Per grade"))
    yield Paragraph(_("The Jeffreys test of each grade and of all (ECB 2019): near 0 the model said too little risk."))
    yield Table(
        (
            _("Grade"),
            pgettext("count", "Firms"),
            _("In default"),
            _("The model said"),
            _("95 % interval"),
            _("Jeffreys p"),
            _("Light"),
        ),
        tuple(
            (
                row["grade"] or _("All"),
                str(row["firms"]),
                str(row["defaults"]),
                f"{row['mean_probability']:.1%}",
                f"{row['low']:.1%} – {row['high']:.1%}",
                f"{row['p_low']:.3f}",
                {"green": _("Green"), "amber": _("Amber"), "red": _("Red")}[row["light"]],
            )
            for row in found["jeffreys"]
        ),
    )
    yield Paragraph(_("Concentration in grades (Herfindahl, 0 to 1): %(index).3f") % {"index": found["herfindahl"]})
    yield Table(
        (_("Fifth of the firms, from the safest"), pgettext("count", "Firms"), _("The model said"), _("Came")),
        tuple(
            (str(place + 1), str(row["firms"]), f"{row['said']:.1%}", f"{row['came']:.1%}")
            for place, row in enumerate(found["calibration"])
        ),
    )


def _rest_of_credit(found: Mapping[str, Any]) -> Iterator[Block]:
    rivals = {name: row for name, row in found["beside"].items() if "auc" in row}
    yield Heading(_("Beside other models, on the same firms"))
    rows = [plots.Row(_("This scorecard"), *_triple(found["scorecard"]["auc"]), is_ours=True)]
    rows += [plots.Row(str(rival_name(name)), *_triple(row["auc"])) for name, row in rivals.items()]
    yield Figure(plots.interval_plot(_("AUC with its 95 % interval"), rows, low=0.5, high=1.0))
    yield Table(
        (_("Model"), "AUC", _("Brier score"), _("Ours minus it: AUC"), _("Brier score")),
        tuple(
            (
                str(rival_name(name)),
                _interval(row["auc"]),
                _interval(row["brier"]),
                _told(row.get("ours_minus_this", {}).get("auc")),
                _told(row.get("ours_minus_this", {}).get("brier")),
            )
            for name, row in rivals.items()
        ),
    )
    yield Heading(_("What each declared sign costs"))
    yield Table(
        (
            _("Feature"),
            pgettext("direction", "Sign"),
            _("Weight"),
            _("AUC alone"),
            _("Gain if free"),
            _("Gain if left out"),
        ),
        tuple(
            (
                row["feature"],
                "+" if row["sign"] > 0 else "−",
                f"{row['weight']:+.3f}",
                f"{row['auc_alone']:.3f}",
                f"{row['gain_if_free']['auc']:+.3f}",
                f"{row['gain_if_left_out']['auc']:+.3f}",
            )
            for row in found["signs"]["features"]
        ),
    )
    yield Heading(_("Stability of the reasons"))
    reasons = found["reasons"]
    yield Paragraph(
        _(
            "Between %(refits)d models, each learned from %(share)d %% of the firms, the four strongest reasons of the "
            "%(firms)d riskiest firms overlap by %(overlap).2f (Jaccard); the first is the same in %(first).2f."
        )
        % {
            "refits": reasons["refits"],
            "share": round(100 * reasons["share_of_firms"]),
            "firms": reasons["riskiest_firms"],
            "overlap": reasons["top_4_jaccard"],
            "first": reasons["top_1_agreement"],
        }
    )
    yield Heading(_("Register of leaks"))
    changed = sum(found["leaks"]["values_changed_by_deleting_the_future"].values())
    yield Paragraph(
        _("Deleting what came later changed %(count)d values of features.") % {"count": changed}
        + " "
        + _("How the figures fall when later invoices are unknown:")
    )
    yield Table(
        (_("Feature"), _("Known from")), tuple((row["feature"], row["known"]) for row in found["leaks"]["features"])
    )
    cuts = [row for row in found["cuts"] if "auc" in row]
    if cuts:
        rows = [plots.Row(_("all"), *_triple(found["scorecard"]["auc"]), is_ours=True)]
        rows += [plots.Row(row["until"], *_triple(row["auc"])) for row in cuts]
        yield Figure(plots.interval_plot(_("AUC by the day until which invoices are known"), rows, low=0.5, high=1.0))


def _triple(found: Mapping[str, float]) -> tuple[float, float, float]:
    return found["value"], found["low"], found["high"]


def _told(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else f"{found['value']:+.3f} ({found['low']:+.3f} – {found['high']:+.3f})"


def _drift(found: Mapping[str, Any]) -> Iterator[Block]:
    rows = found["simulations"]
    yield Heading(_("Alarms of drift"))
    yield Paragraph(
        _("Simulated: where nothing moved every alarm is false, where something moved it should be raised.")
    )
    yield Table(
        (_("Firms before"), _("Firms now"), _("Moved by (sd)"), _("Our rule"), _("Fixed 0.10")),
        tuple(
            (
                str(row["reference"]),
                str(row["current"]),
                f"{row['shift']:g}",
                f"{row['critical_value']:.1%}",
                f"{row['fixed_0_10']:.1%}",
            )
            for row in rows
        ),
    )
    still = [row for row in rows if not row["shift"]]
    bars = []
    for row in still:
        sizes = f"{row['reference']} : {row['current']}"
        bars.append(plots.Row(f"{sizes}  {_('ours')}", row["critical_value"], is_ours=True))
        bars.append(plots.Row(f"{sizes}  0.10", row["fixed_0_10"]))
    yield Figure(plots.bar_plot(_("False alarms where nothing moved"), bars, low=0.0, high=1.0, mark=0.05))


def _gaming(found: Mapping[str, Any]) -> Iterator[Block]:
    rows = found["attacks"]
    yield Heading(_("How many points fake trade buys"))
    yield Paragraph(_("20 % of a firm's sales of a year are faked within the last 60 days before it is scored."))
    yield Table(
        (
            _("Attack"),
            _("Looks at genuineness"),
            _("Mean gain (95 % interval)"),
            _("95th percentile"),
            _("Half a grade or more"),
        ),
        tuple(
            (
                str(attack_name(row["attack"])),
                _("with") if row["looks"] else _("without"),
                f"{row['mean']:+.1f} ({row['low']:+.1f} – {row['high']:+.1f})",
                f"{row['percentile_95']:+.1f}",
                f"{row['share_reaching_half_a_grade']:.1%}",
            )
            for row in rows
        ),
    )
    bars = [
        plots.Row(
            f"{attack_name(row['attack'])}, {_('with') if row['looks'] else _('without')}",
            row["percentile_95"],
            is_ours=row["looks"],
        )
        for row in rows
    ]
    half = rows[0]["half_grade"]
    yield Figure(
        plots.bar_plot(
            _("Points gained by the 95th of 100 firms; the line is half a grade"), bars, low=-10.0, high=40.0, mark=half
        )
    )


def _refused(found: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading(_("What refused firms would have done"))
    yield Paragraph(
        _(
            "Played: %(refused)d firms that sell least are refused and their ends hidden. The methods say %(low).0f %% to "
            "%(high).0f %% of them would go bad; in truth it was %(truth).0f %%. What differs is assumption, not "
            "knowledge: only a small, capped band of loans given to learn can tell."
        )
        % {
            "refused": found["refused"],
            "low": 100 * found["range"][0],
            "high": 100 * found["range"][1],
            "truth": 100 * found["true_rate_of_refused"],
        }
    )
    yield Table(
        (_("Method"), _("Says of the refused"), _("AUC of all firms")),
        tuple(
            (str(method_name(row["method"])), f"{row['refused_rate']:.1%}", f"{row['auc_of_all']:.3f}")
            for row in found["methods"]
        ),
    )


def _late_payment(found: Mapping[str, Any]) -> Iterator[Block]:
    yield Heading(_("Late payment of receivables"))
    if "left_out" in found:
        yield Paragraph(_("Left out: no file of receivables was given."))
        return
    yield Paragraph(
        _(
            "Learned from %(learned)d invoices settled by %(until)s, judged on %(judged)d issued later, of which "
            "%(rate).1f %% were paid late; 95 %% intervals by bootstrap over payers."
        )
        % {
            "learned": found["learned_from"],
            "until": found["until"],
            "judged": found["judged_on"],
            "rate": 100 * found["late_rate"],
        }
    )
    yield Table(
        (_("Model"), "AUC", _("Brier score")),
        tuple(
            (
                str(rival_name(name)),
                _interval(row["auc"]) if "auc" in row else "–",
                _interval(row["brier"]),
            )
            for name, row in found["models"].items()
        ),
    )
    bars = [
        plots.Row(str(rival_name(name)), *_triple(row["auc"]), is_ours=name == "late_payment")
        for name, row in found["models"].items()
        if "auc" in row
    ]
    yield Figure(plots.interval_plot(_("AUC with its 95 % interval"), bars, low=0.5, high=1.0))
