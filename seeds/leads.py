"""Building projects that could exist: what they build, how far they are, what they will need."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from django.utils import timezone

from marketplace.parsing.regions import regions
from matching.leads.project_rows import ProjectRow
from matching.services.projects import keep_projects
from seeds.firms import vocabulary

COUNT = 120
STAGES = ("announced", "approved", "design", "tendering", "construction", "commissioning")
# What is built: name in Chinese, industry, kind, equipment in Chinese and English, investment in 10,000 CNY.
SUBJECTS: tuple[tuple[str, str, str, str, str, tuple[int, int]], ...] = (
    ("年产 50 万台水泵智能工厂", "3441", "new_plant", "不锈钢球阀、止回阀、机械密封、电机、轴承、法兰、CNC 加工", "ball valves, check valves, mechanical seals, motors", (8_000, 40_000)),
    ("高端阀门生产线扩建", "3443", "expansion", "阀体铸件、电动执行机构、O 形圈、紧固件、阀门检测", "valve body castings, electric actuators, O-rings", (3_000, 20_000)),
    ("精细化工一体化", "2614", "new_plant", "闸阀、球阀、磁力泵、离心泵、机械密封、储罐仓储、防腐涂料", "gate valves, ball valves, magnetic drive pumps, anticorrosion coating", (30_000, 260_000)),
    ("工程塑料改性技改", "2651", "renovation", "尼龙 66、阻燃剂、聚丙烯、自动化集成", "PA66, flame retardants, automation", (2_000, 15_000)),
    ("生活污水处理厂二期", "4620", "utility", "潜水排污泵、蝶阀、闸阀、PE 管材、聚合氯化铝、次氯酸钠", "sewage pumps, butterfly valves, PE pipes, PAC", (12_000, 90_000)),
    ("自来水厂提标改造", "4610", "utility", "离心泵、蝶阀、止回阀、PE 管材、次氯酸钠", "centrifugal pumps, butterfly valves, check valves", (6_000, 50_000)),
    ("动力电池 PACK 工厂", "3841", "new_plant", "磷酸铁锂电芯、高压线束、液冷板、电池管理系统、洁净厂房", "LFP cells, high-voltage harnesses, cold plates", (50_000, 400_000)),
    ("新能源汽车零部件产业园", "3670", "infrastructure", "厂房、直流充电桩、压铸产能、铝型材", "workshops, DC chargers, aluminium profiles", (40_000, 300_000)),
    ("生物药原液车间", "2761", "new_plant", "生物反应器、层析填料、一次性生物工艺袋、卫生级管件、隔膜阀、制药用水设备", "bioreactors, single-use bags, sanitary fittings, diaphragm valves", (20_000, 180_000)),
    ("口服固体制剂车间改造", "2720", "renovation", "微晶纤维素、乳糖、空心胶囊、洁净厂房、设备维修保养", "MCC, lactose, cleanroom", (3_000, 25_000)),
    ("高档面料印染搬迁", "1752", "relocation", "活性染料、坯布、双氧水、污水泵、环保与危废处置", "reactive dyes, greige fabric, sewage pumps", (5_000, 60_000)),
    ("功能性纤维扩产", "2822", "expansion", "精对苯二甲酸、乙二醇、聚酯切片、闸阀、离心泵", "PTA, ethylene glycol, PET chips, gate valves", (20_000, 200_000)),
    ("茶叶精深加工中心", "1530", "new_plant", "茶叶杀青机、茶叶包装、冷库、茶叶检测", "tea machines, tea packaging, cold store", (1_500, 12_000)),
    ("化工园区公共管廊", "4852", "infrastructure", "法兰、球阀、闸阀、防腐涂料、无损检测", "flanges, ball valves, gate valves, NDT", (8_000, 80_000)),
    ("港口液体化工储罐区", "5942", "expansion", "闸阀、球阀、离心泵、防腐涂料、危化品运输", "gate valves, ball valves, centrifugal pumps", (15_000, 120_000)),
    ("热电联产", "4412", "utility", "闸阀、截止阀、给水泵、球阀、无损检测", "gate valves, globe valves, pumps", (60_000, 350_000)),
    ("再生塑料循环利用", "4220", "new_plant", "再生 PET 瓶片、污水泵、编织袋、氢氧化钠", "PET flakes, sewage pumps, caustic soda", (3_000, 30_000)),
    ("氢能装备制造基地", "3499", "new_plant", "不锈钢球阀、电磁阀、CNC 加工、检测服务", "ball valves, solenoid valves, machining", (10_000, 90_000)),
)  # fmt: skip


def make_projects(count: int, *, random_state: int, today: date) -> list[ProjectRow]:
    """Return building projects that do not exist, always the same for one random state; every name says demo."""
    random = Random(f"projects {random_state}")  # noqa: S311 -- made-up data, not a secret
    places = [code for cluster in vocabulary()["clusters"].values() for code in cluster["places"]]
    places += list(vocabulary()["customers"])
    rows = []
    for number in range(1, count + 1):
        title, industry, kind, zh, en, (low, high) = SUBJECTS[(number - 1) % len(SUBJECTS)]
        place = regions()[random.choice(places)]
        brand = "".join(word for word, _en in random.sample(vocabulary()["syllables"], 2))
        stage = random.choice(STAGES)
        start = today + timedelta(days=int(random.uniform(-500, 200) - 120 * STAGES.index(stage) + 300))
        slug = f"project{number}"
        fields = {
            "external_id": f"DEMO-P{number:04d}",
            "name": f"{place.name_zh}{title}（演示）",
            "owner_name": f"{brand}{'置业' if kind == 'infrastructure' else '科技'}有限公司（演示）",
            "region": place.code,
            "industry": industry,
            "kind": kind,
            "stage": stage,
            "investment": Decimal(round(low * (high / low) ** random.random(), -2)),
            "starts_on": start,
            "finishes_on": max(today + timedelta(days=30), start + timedelta(days=random.randint(300, 900))),
            "equipment": f"{zh}\n{en}" if random.random() < 0.85 else "",
            "contact_name": f"{random.choice(vocabulary()['surnames'])}{random.choice(('先生', '女士'))}",
            "contact_phone": f"+86 170 0001 {number:04d}",
            "contact_email": f"{slug}@demo.example.com",
            "source": "环评公示（演示）" if stage in {"announced", "approved"} else "项目台账（演示）",
            "url": f"https://demo.example.com/projects/{number}",
        }
        rows.append(ProjectRow(number, fields))
    return rows


def plant_projects(*, random_state: int, now: datetime) -> None:
    """Keep the demo's building projects, which everybody sees."""
    rows = make_projects(COUNT, random_state=random_state, today=timezone.localdate(now))
    keep_projects(rows, now=now, by=None, organisation=None, is_demo=True)
