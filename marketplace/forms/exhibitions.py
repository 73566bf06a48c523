from django import forms
from django.utils.translation import gettext_lazy as _

from marketplace.forms.listings import category_choices
from marketplace.forms.moments import MomentField, day_input
from marketplace.forms.refusal import ShowsRefusals
from marketplace.models import Exhibition, Facility, Lead, Listing, Organisation


def _line(label, limit, help_text="") -> forms.CharField:
    return forms.CharField(label=label, max_length=limit, required=False, help_text=help_text)


def _text(label) -> forms.CharField:
    return forms.CharField(label=label, max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}))


def _number(label, *, initial=None, maximum=None, places=0) -> forms.DecimalField:
    attrs = {"inputmode": "decimal", "autocomplete": "off", "step": "any", "min": "0"}
    return forms.DecimalField(
        label=label,
        initial=initial,
        min_value=0,
        max_value=maximum,
        decimal_places=places,
        widget=forms.NumberInput(attrs=attrs),
    )


class ExhibitionForm(ShowsRefusals):
    """What a park says of an exhibition; the service checks it and books the hall."""

    hides_optional = True

    hall = forms.ModelChoiceField(label=_("Hall"), queryset=Facility.objects.none())
    title_zh = _line(_("Title (Chinese)"), 200)
    title_en = _line(_("Title (English)"), 200)
    text_zh = _text(_("Text (Chinese)"))
    text_en = _text(_("Text (English)"))
    categories = forms.MultipleChoiceField(label=_("Categories"), required=False)
    starts_at = MomentField(label=_("Begins"))
    ends_at = MomentField(label=_("Ends"))
    opens = forms.TimeField(label=_("Opens each day"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    closes = forms.TimeField(label=_("Closes each day"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    meeting_minutes = _number(_("Minutes of a meeting"), initial=30, maximum=240)
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in ("CNY", "USD", "EUR")])

    def __init__(self, *args, halls=None, **options):
        super().__init__(*args, **options)
        self.fields["categories"].choices = category_choices()
        self.fields["hall"].empty_label = None
        if halls is None:
            del self.fields["hall"]
        else:
            self.fields["hall"].queryset = halls

    def said(self) -> dict:
        """Return what was filled in as the service takes it."""
        return {name: value for name, value in self.cleaned_data.items() if name != "hall"}


def exhibition_initial(exhibition: Exhibition) -> dict:
    """Return what the edit page shows of an exhibition."""
    initial = {name: getattr(exhibition, name) for name in Exhibition.PROFILE_FIELDS}
    return initial | {"categories": [one.code for one in exhibition.categories.all()]}


class BoothRowsForm(ShowsRefusals):
    """Booths laid out in rows at once."""

    row_count = _number(_("Rows"), initial=2, maximum=26)
    per_row = _number(_("Booths per row"), initial=6, maximum=40)
    width = _number(_("Width, m"), initial=3, maximum=99, places=1)
    depth = _number(_("Depth, m"), initial=3, maximum=99, places=1)
    price = _number(_("Price"), maximum=10**12, places=2)

    def laid_out(self) -> dict:
        said = dict(self.cleaned_data)
        return said | {"row_count": int(said["row_count"]), "per_row": int(said["per_row"])}


class BoothForm(ShowsRefusals):
    """Book a booth, and choose what it shows."""

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=Organisation.objects.none())
    listings = forms.ModelMultipleChoiceField(
        label=_("Supplies to show"),
        queryset=Listing.objects.none(),
        required=False,
        help_text=_("Firms with matching demands are invited for them."),
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args, organisations=None, listings, **options):
        super().__init__(*args, **options)
        self.fields["listings"].queryset = listings
        self.fields["organisation"].empty_label = None
        if organisations is None:
            del self.fields["organisation"]
        else:
            self.fields["organisation"].queryset = organisations


class MeetingForm(ShowsRefusals):
    """When to meet, and what about; the times are those at which both are free."""

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=Organisation.objects.none())
    start = forms.ChoiceField(label=_("Time"))
    subject = forms.CharField(label=_("What about"), max_length=300, required=False)

    def __init__(self, *args, organisations, times, **options):
        super().__init__(*args, **options)
        self.fields["organisation"].queryset = organisations
        self.fields["organisation"].empty_label = None
        self.fields["start"].choices = times


class LeadForm(ShowsRefusals):
    """What an exhibitor notes of a firm that came by."""

    hides_optional = True

    organisation = forms.ModelChoiceField(label=_("In the name of"), queryset=Organisation.objects.none())
    exhibition = forms.ModelChoiceField(
        label=_("Exhibition"), queryset=Exhibition.objects.none(), required=False, empty_label="—"
    )
    firm = forms.ModelChoiceField(
        label=_("Visitor"),
        queryset=Organisation.objects.none(),
        required=False,
        empty_label=_("— not here, see below —"),
    )
    firm_name = _line(_("Name of the firm"), 200, _("From its card, if it is not among the visitors."))
    contact_name = _line(_("Contact"), 100)
    contact_phone = _line(_("Phone"), 30)
    contact_email = forms.EmailField(label=_("E-mail"), required=False)
    supply = forms.ModelChoiceField(
        label=_("About our supply"), queryset=Listing.objects.none(), required=False, empty_label="—"
    )
    interest = forms.ChoiceField(label=_("Interest"), choices=Lead.Interest.choices, initial=Lead.Interest.WARM)
    text = _text(_("What they want"))
    next_step = _line(_("Next step"), 300)
    follow_up_on = forms.DateField(label=_("Follow up on"), required=False, widget=day_input())

    def __init__(self, *args, organisations=None, exhibitions=None, firms=None, supplies, **options):
        super().__init__(*args, **options)
        self.fields["supply"].queryset = supplies
        for name, rows in (("organisation", organisations), ("exhibition", exhibitions), ("firm", firms)):
            if rows is None:
                del self.fields[name]
            else:
                self.fields[name].queryset = rows
        if "organisation" in self.fields:
            self.fields["organisation"].empty_label = None

    def notes(self) -> dict:
        return {name: self.cleaned_data[name] for name in Lead.NOTE_FIELDS}
