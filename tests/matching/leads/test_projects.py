import io

import numpy as np

from matching.leads import PROJECT_FEATURES, Asked, Book, Project, Projects, project_features, shipped_model
from matching.leads.project_rows import read_projects_table
from matching.leads.projects import stage_fit

ASKED = Asked(category="valve.ball", region="331083", vector=np.array([1.0, 0.0]), today=1000)


def chances(*projects: Project) -> list[float]:
    table = Projects(projects, dim=2)
    features, _facts = project_features(table, Book([], dim=2), ASKED, frozenset({"球阀", "ball"}))
    return shipped_model().projects.chances(features).tolist()


def project(number: int, **fields) -> Project:
    facts = {"region": "331000", "industry": "3441", "stage": "tendering", "has_equipment": True}
    return Project(id=number, **(facts | fields))


def test_projects_that_name_the_goods_come_before_those_that_name_the_group_or_nothing():
    same, group, nothing = chances(
        project(1, categories=("valve.ball",), tokens=frozenset({"球阀"})),
        project(2, categories=("valve.gate",)),
        project(3, categories=("tea_machine",)),
    )

    assert same > group > nothing


def test_projects_that_ask_for_the_whole_group_ask_for_its_goods():
    whole, same = chances(project(1, categories=("valve",)), project(2, categories=("valve.ball",)))

    assert whole == same


def test_projects_at_the_right_stage_come_first():
    tendering, announced = chances(
        project(1, categories=("valve.ball",)), project(2, categories=("valve.ball",), stage="announced")
    )

    assert tendering > announced


def test_stage_fit_takes_the_longest_start():
    assert stage_fit("plastic_product.pipe_pe", "construction") == 1.0
    assert stage_fit("plastic_product.pallet", "construction") == 0.9
    assert stage_fit("valve.ball", "given_up") == 0.0


def test_projects_may_be_none():
    features, _facts = project_features(Projects([], dim=2), Book([], dim=2), ASKED, frozenset())

    assert features.shape == (0, len(PROJECT_FEATURES))


def read(text: str):
    return read_projects_table(io.BytesIO(text.encode()), "projects.csv")


def test_project_rows_are_read_in_either_language():
    rows, problems = read(
        "编号,项目名称,业主,地区,行业,类型,阶段,投资（万元）,开工日期,所需设备\n"
        "7,某厂,某公司,台州,阀门和旋塞制造,新建,环评,1.2亿,2026-03-01,球阀\n"
    )
    english, _problems = read(
        "id,name,owner,region,stage,equipment\nA1,Plant,Owner,Taizhou Zhejiang,Tendering,ball valves\n"
    )

    assert problems == []
    fields = rows[0].fields
    assert (fields["external_id"], fields["region"], fields["industry"]) == ("7", "331000", "3443")
    assert (fields["kind"], fields["stage"], fields["investment"]) == ("new_plant", "approved", 12000)
    assert english[0].fields["stage"] == "tendering"


def test_project_rows_name_row_and_column_of_what_is_wrong():
    rows, problems = read(
        "id,name,owner,region,stage,start,finish,e-mail,url\n"
        "1,A,B,台州,招标,2026-05-01,2026-04-01,,\n"
        "2,,B,Atlantis,someday,,,nobody,ftp://x\n"
        "3,C,D,台州,招标,,,,\n"
        "3,C,D,台州,招标,,,,\n"
    )

    assert [row.fields["external_id"] for row in rows] == ["3"]
    assert {(problem.row, problem.column, problem.code) for problem in problems} == {
        (2, "finish", "before_start"),
        (3, "name", "required"),
        (3, "region", "no_such_place"),
        (3, "stage", "not_a_choice"),
        (3, "e-mail", "not_an_email"),
        (3, "url", "not_an_address"),
        (5, "id", "given_twice"),
    }


def test_project_rows_refuse_a_file_without_the_columns():
    _rows, problems = read("name,owner\nA,B\n")
    _none, empty = read_projects_table(io.BytesIO(b""), "projects.csv")

    assert [(problem.row, problem.code) for problem in problems] == [(0, "missing_columns")]
    assert [(problem.row, problem.code) for problem in empty] == [(0, "empty_file")]
