"""Consents and the records they are about, valid by default."""

import datetime as dt
import hashlib

import factory

from finance.models import Consent, DataGroup, Purpose, TransactionRecord
from marketplace.models import Organisation
from tests.factories import NOON, OrganisationFactory, UserFactory


class ConsentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Consent

    number = factory.Sequence(lambda n: f"C260302-{n:06d}")
    firm = factory.SubFactory(OrganisationFactory)
    reader = factory.SubFactory(OrganisationFactory, kind=Organisation.Kind.BANK)
    purpose = Purpose.REVIEW
    groups = DataGroup.values
    valid_from = NOON
    valid_until = NOON + dt.timedelta(days=365)
    given_by = factory.SubFactory(UserFactory)
    given_at = NOON
    sha256 = "0" * 64


class TransactionRecordFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = TransactionRecord

    organisation = factory.SubFactory(OrganisationFactory)
    kind = "sales"
    source = TransactionRecord.Source.INVOICE
    key = factory.Sequence(lambda n: f"invoice-{n}")
    number = factory.Sequence(lambda n: f"{n:08d}")
    occurred_on = dt.date(2026, 2, 2)
    known_at = NOON
    counterparty_code = "B00001"
    net_amount = 100
    tax_amount = 13
    total_amount = 113
    sha256 = factory.LazyAttribute(lambda record: hashlib.sha256(record.key.encode()).hexdigest())
