from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS

from config.errors import InputRefused, RuleBroken


class ShowsRefusals(forms.Form):
    """A form that shows beside its fields what a service refused."""

    # Where a service names a field otherwise than the form does.
    field_of: dict[str, str] = {}

    @contextmanager
    def showing_refusals(self) -> Iterator[None]:
        """Call the service inside; what it refuses becomes this form's errors, and the view goes on to show it."""
        try:
            yield
        except InputRefused as refused:
            for name, messages in refused.errors.items():
                field = self.field_of.get(name, name.replace(".", "_"))
                if field in self.fields and not self.fields[field].widget.is_hidden:
                    self.add_error(field, messages)
                else:
                    self.add_error(NON_FIELD_ERRORS, [f"{name}: {message}" for message in messages])
        except RuleBroken as broken:
            self.rule_broken = broken
            self.add_error(NON_FIELD_ERRORS, str(broken))

    rule_broken: RuleBroken | None = None

    @property
    def http_status(self) -> int:
        """Return the status of the page that shows this form."""
        if not self.is_bound or self.is_valid():
            return HTTPStatus.OK
        return HTTPStatus.CONFLICT if self.rule_broken else HTTPStatus.UNPROCESSABLE_ENTITY
