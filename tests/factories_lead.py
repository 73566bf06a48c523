"""Building projects, and firms as leads know them."""

import factory

from marketplace.models import Listing, Organisation
from matching import runs
from matching.live_index.lead_book import lead_book
from matching.models import BuildingProject
from tests.factories import NOON, ListingFactory, OrganisationFactory


class BuildingProjectFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = BuildingProject

    external_id = factory.Sequence(lambda n: f"P-{n}")
    name = factory.Sequence(lambda n: f"第{n}水泵厂新建项目")
    owner_name = "示例泵业有限公司"
    region = "331000"
    industry = "3441"
    kind = BuildingProject.Kind.NEW_PLANT
    stage = BuildingProject.Stage.TENDERING
    investment = 12000
    equipment = "不锈钢球阀 500 只、离心泵"
    created_at = NOON
    updated_at = NOON


def pump_makers(count: int, **fields) -> list[Organisation]:
    """Return firms that make pumps: valve makers should call them."""
    return [
        OrganisationFactory(name_zh=f"第{number}泵业", name_en=f"Pump Works {number}", industry="3441", **fields)
        for number in range(count)
    ]


def past_demand(firm: Organisation, at, **fields) -> Listing:
    """Return a public demand that is over."""
    facts = {"side": "demand", "status": "closed", "published_at": at, "created_at": at, "updated_at": at} | fields
    return ListingFactory(organisation=firm, **facts)


def read_all(now) -> None:
    """Let the readers do what waits, and this process see it."""
    while runs.read_projects(now=now):
        pass
    while runs.read_firms(now=now):
        pass
    lead_book().refresh(at_once=True)
