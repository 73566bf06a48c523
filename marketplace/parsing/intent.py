"""Which side a text speaks for, and what kind of thing it is about: the words people use for buying, selling, renting."""

import re

from marketplace.parsing.folding import Folded

# A word's place in the list is its weight: what decides, what suggests, what only hints.
_DEMAND = (
    r"求购|急购|急采|急收|急要|采购(?!商|价)|收购|询价|求租|承租|租入|寻租|急需|急求|诚求|诚购|(?<![需要请追寻供征渴])求(?![助真证精是])|(?:^|(?<=[ ,;。]))需(?![求要])|寻求|征集|招标|我司需|我公司需|我们需要|需要|想买|想要|想采|想租|欲购|拟购|拟采购|购买|买(?!家|卖|方)|订购|定制|找(?!零)|寻找?|外发|外协(?!加工服务)|委外|委托|需求|需(?=[ :]?\d)|要(?=[ ]?\d)|集采|请报价|报个价"
    r"|(?<![a-z])(?:want(?:ed|s|ing)?|want to buy|wtb|looking (?:for|to buy|to rent|to purchase)|need(?:s|ed|ing)?|requires?|requiring|required|seek(?:s|ing)?|sought|buy(?:ing|s)?|purchas(?:e|ing|es)|procur(?:e|ing|ement)|sourc(?:e|ing)|rfq|request for quot\w*|inquiry|enquiry|in search of|please quote|quote us|(?:offer|quote) (?:your )?best|rent wanted|to rent(?= from)|demand)(?![a-z])"
)
_SUPPLY = (
    r"供应(?!商|链)|(?:^|(?<=[;。]))[供出](?=[ ])|出售|销售|供货|提供|现货|库存|在库|转让|出租|招租|整租|分租|出让|批发|特价|处理(?=库存|一批)|甩卖|清仓|厂家|直销|直供|承接|承揽|接单|对外|代理|专业生产|我厂|我司生产|可供|可做|可接|诚招|招商|闲置|空闲|卖(?!家|方)|让利|优惠|主营|自产|长期供"
    r"|(?<![a-z])(?:for sale|sell(?:s|ing)?|offer(?:s|ing|ed)?(?! (?:your )?best)|suppl(?:y|ies|ying)(?! chain)|in stock|on hand|direct from the maker|ships? from|ex stock|available|manufacturer of|manufacturers? (?:&|and) exporter|we (?:produce|make|manufacture|provide|export)|provid(?:e|es|ing)|for rent|to let|for lease|spare|idle|surplus|clearance|accept(?:ing|s)? orders|factory price|exporter of|producer of)(?![a-z])"
)
_SUPPLIER_WANTED = re.compile(
    r"(?:求|寻|找|征集|招募|需要|诚征|looking for|seek(?:ing)?|need(?:s|ed)?|want(?:ed)?)[^,，。;；]{0,14}(?:供应商|供货商|厂家|工厂|supplier|suppliers|manufacturer|vendor|factory)|(?:suppliers?|vendors?|manufacturers?) (?:wanted|needed|required)"
)
_BUYER_WANTED = re.compile(
    r"(?:求|寻|找|诚征|looking for|seek(?:ing)?|want(?:ed)?)[^,，。;；]{0,10}(?:买家|客户|采购商|承租方|租户|buyers?|customers?|tenants?)"
)
_SUGGESTS_DEMAND = re.compile(r"预算|目标价|心理价|最高价|限价|budget|target price")
_SUGGESTS_SUPPLY = re.compile(
    r"起订|起批|起售|moq|minimum order|min\. order|批发价|出厂价|可拿样|免费拿样|ex[ -]?works|exw|fob"
)
_DEMAND_WORDS, _SUPPLY_WORDS = re.compile(_DEMAND), re.compile(_SUPPLY)
# 供应链, 客户需要, 按需定制, 无需: the word is there and says nothing.
_EMPTY_WORDS = re.compile(
    r"供应链|需求预测|demand forecast|按需|无需|不需要?|客户(?:需要|需求)|市场需求|支持定制|可定制|来图定制|接受定制|定制(?:服务|加工)|supply chain|as needed|on demand|no need|customi[sz]ed|power supply|power supplies"
)
_KINDS = (
    ("space", re.compile(r"仓库|库房|厂房|场地|车位|堆场|冷库|储罐|办公室|写字楼|展位|工位|仓储(?!服务)|招租|出租(?!车)|求租|warehouse|workshop (?:for|to)|factory building|for rent|to let|for lease|storage (?:space|tank)|cold stor|office space|cleanroom|clean room|booth")),
    ("capacity", re.compile(r"产能|闲置(?:产线|设备|机台|生产线)|空闲(?:产线|机台|生产线)|机时|台时|档期|产线|capacity|line time|machine[ -]hours?|spindle hours|press hours|production line")),
    ("data", re.compile(r"数据(?:集|产品|服务|接口|包)|价格指数|行情数据|名录|统计数据|海关数据|customs data|price data|图谱|data ?sets?|price index|statistics|market data|data product|directory|data feed")),
    ("service", re.compile(r"服务|检测(?!报告)|测试(?!报告)|检验|加工|代工|热处理|电镀|校准|物流|运输|配送服务|维修|安装|设计|咨询|认证服务|代办|委托|外协|外发|testing|machining|treatment|calibration|logistics|transport|service|repair|consult|injection mou?lding|coating service|toll|subcontract|inspection")),
)  # fmt: skip
_HAN = re.compile(r"[\u3400-\u9fff]")


def read_side(folded: Folded) -> tuple[str, int, int] | None:
    """Return the side the text speaks for and the words that say it, or None if it is silent.

    >>> from marketplace.parsing.folding import fold
    >>> read_side(fold("求购 304 球阀 500 只")), read_side(fold("寻球阀供应商"))[0], read_side(fold("304 球阀 500 只"))
    (('demand', 0, 2), 'demand', None)
    """
    text = folded.text
    for side, pattern in (("demand", _SUPPLIER_WANTED), ("supply", _BUYER_WANTED)):
        if found := pattern.search(text):
            return side, found.start(), found.end()
    empty = [match.span() for match in _EMPTY_WORDS.finditer(text)]
    first: dict[str, tuple[int, int]] = {}
    for side, pattern in (("demand", _DEMAND_WORDS), ("supply", _SUPPLY_WORDS)):
        for match in pattern.finditer(text):
            if not any(start <= match.start() < end for start, end in empty):
                first[side] = match.span()
                break
    if first:
        # 求购现货, 供应 … 如需 …: who speaks first means it.
        side = min(first, key=lambda side: first[side])
        return side, *first[side]
    for side, pattern in (("demand", _SUGGESTS_DEMAND), ("supply", _SUGGESTS_SUPPLY)):
        if found := pattern.search(text):
            return side, found.start(), found.end()
    return None


def read_kind(folded: Folded) -> str | None:
    """Return the kind of thing the words suggest, or None: goods need no word for themselves.

    >>> from marketplace.parsing.folding import fold
    >>> read_kind(fold("仓库招租 5000㎡")), read_kind(fold("阀门检测")), read_kind(fold("球阀"))
    ('space', 'service', None)
    """
    for kind, pattern in _KINDS:
        if pattern.search(folded.text):
            return kind
    return None


def read_language(text: str) -> str:
    """Return zh where the text has Chinese characters, en otherwise."""
    return "zh" if _HAN.search(text) else "en"
