"""What is told about lines, drawdowns and repayments, in both languages."""

from decimal import Decimal

from django.urls import reverse

from finance.models import CreditLine, Drawdown, Instalment, LineChange, ProgrammeInvitation, Repayment
from marketplace.models import Announcement, Organisation


def names(organisation: Organisation) -> tuple[str, str]:
    return organisation.name_zh or organisation.name_en, organisation.name_en or organisation.name_zh


def _money(amount: Decimal, currency: str) -> str:
    return f"{currency} {amount:,.2f}"


def _of_loan(
    drawdown: Drawdown, event: str, to: Organisation, key: object, titles: tuple[str, str], **more
) -> Announcement:
    return Announcement(
        event=event,
        deduplication_key=f"{event}:{drawdown.pk}:{to.pk}:{key}",
        organisation=to,
        title_zh=titles[0],
        title_en=titles[1],
        body_zh=more.pop("body", ""),
        body_en=more.pop("body_en", ""),
        url=reverse("finance:loan_detail", args=[drawdown.pk]),
        data={"drawdown": drawdown.pk, "number": drawdown.number, "status": drawdown.status, **more},
    )


def requested(drawdown: Drawdown) -> Announcement:
    name_zh, name_en = names(drawdown.borrower)
    money = _money(drawdown.amount, drawdown.currency)
    titles = f"{name_zh}申请用信 {money}", f"{name_en} asks to draw {money}"
    return _of_loan(drawdown, "drawdown.requested", drawdown.line.bank, "requested", titles)


def proposed(drawdown: Drawdown) -> Announcement:
    money = _money(drawdown.amount, drawdown.currency)
    titles = f"用信 {drawdown.number}（{money}）待复核", f"Drawdown {drawdown.number} ({money}) waits for the checker"
    return _of_loan(drawdown, "drawdown.proposed", drawdown.line.bank, drawdown.made_at.isoformat(), titles)


def sent_back(drawdown: Drawdown) -> Announcement:
    titles = f"用信 {drawdown.number} 被复核退回", f"Drawdown {drawdown.number} was sent back by the checker"
    body = {"body": drawdown.note, "body_en": drawdown.note}
    return _of_loan(drawdown, "drawdown.returned", drawdown.line.bank, drawdown.made_at.isoformat(), titles, **body)


def approved(drawdown: Drawdown) -> Announcement:
    money = _money(drawdown.amount, drawdown.currency)
    titles = f"用信 {drawdown.number}（{money}）已批准，待放款", f"Drawdown {drawdown.number} ({money}) was approved"
    return _of_loan(drawdown, "drawdown.approved", drawdown.borrower, "approved", titles)


def cancelled(drawdown: Drawdown, to: Organisation) -> Announcement:
    titles = f"用信 {drawdown.number} 已取消", f"Drawdown {drawdown.number} was cancelled"
    body = {"body": drawdown.note, "body_en": drawdown.note}
    return _of_loan(drawdown, "drawdown.cancelled", to, "cancelled", titles, **body)


def paid_out(drawdown: Drawdown) -> list[Announcement]:
    """Tell the borrower, and the supplier that was paid; the supplier has no page of the loan."""
    money = _money(drawdown.amount, drawdown.currency)
    titles = f"用信 {drawdown.number} 已放款 {money}", f"Drawdown {drawdown.number}: {money} were paid out"
    told = [_of_loan(drawdown, "drawdown.paid", drawdown.borrower, "paid", titles, due_on=str(drawdown.due_on))]
    if drawdown.payee and drawdown.payee_id != drawdown.borrower_id:
        name_zh, name_en = names(drawdown.borrower)
        order = drawdown.reservation and drawdown.reservation.order
        told.append(
            Announcement(
                event="supplier.paid",
                deduplication_key=f"supplier.paid:{drawdown.pk}",
                organisation=drawdown.payee,
                title_zh=f"银行登记：代{name_zh}向贵方付款 {money}",
                title_en=f"A bank recorded that it paid you {money} for {name_en}",
                url=reverse("marketplace:order_detail", args=[order.pk]) if order else "",
                data={"order": order.pk if order else None, "amount": str(drawdown.amount)},
            )
        )
    return told


def booked(repayment: Repayment) -> Announcement:
    drawdown = repayment.drawdown
    money = _money(repayment.amount, repayment.currency)
    titles = f"用信 {drawdown.number} 还款 {money} 已入账", f"A repayment of {money} of {drawdown.number} was booked"
    return _of_loan(drawdown, "repayment.booked", drawdown.borrower, repayment.pk, titles, repayment=repayment.pk)


def to_check(repayment: Repayment) -> Announcement:
    drawdown = repayment.drawdown
    money = _money(repayment.amount, repayment.currency)
    titles = (
        f"还款 {money}（{drawdown.number}）待复核",
        f"A repayment of {money} ({drawdown.number}) waits for the checker",
    )
    return _of_loan(drawdown, "repayment.recorded", drawdown.line.bank, repayment.pk, titles, repayment=repayment.pk)


def ended(drawdown: Drawdown) -> Announcement:
    if drawdown.status == Drawdown.Status.WRITTEN_OFF:
        titles = f"用信 {drawdown.number} 已核销", f"Drawdown {drawdown.number} was written off"
    else:
        titles = f"用信 {drawdown.number} 已结清", f"Drawdown {drawdown.number} is repaid in full"
    return _of_loan(drawdown, "drawdown.ended", drawdown.borrower, drawdown.status, titles)


def falls_due(instalment: Instalment, amount: Decimal, days: int) -> Announcement:
    drawdown = instalment.drawdown
    money = _money(amount, drawdown.currency)
    when_zh = f"{days} 天后到期" if days else "今日到期"
    when_en = ("tomorrow" if days == 1 else f"in {days} days") if days else "today"
    titles = f"用信 {drawdown.number}：{money} {when_zh}", f"{money} of {drawdown.number} fall due {when_en}"
    key = f"{instalment.pk}:{days}"
    return _of_loan(drawdown, "repayment.due", drawdown.borrower, key, titles, due_on=str(instalment.due_on))


def overdue(drawdown: Drawdown, amount: Decimal, days: int) -> list[Announcement]:
    """Tell the firm and the bank when a loan becomes overdue, and when its class gets worse."""
    money = _money(amount, drawdown.currency)
    label = {"zh": CLASSES_ZH[drawdown.risk_class], "en": CLASSES_EN[drawdown.risk_class]}
    titles = (
        f"用信 {drawdown.number} 逾期 {days} 天，未还 {money}（{label['zh']}）",
        f"{money} of {drawdown.number} are {days} days overdue ({label['en']})",
    )
    key = f"{drawdown.overdue_since}:{drawdown.risk_class}"
    return [
        _of_loan(drawdown, "repayment.overdue", to, key, titles, days=days, amount=str(amount))
        for to in (drawdown.borrower, drawdown.line.bank)
    ]


CLASSES_ZH = {
    "normal": "正常",
    "special_mention": "关注",
    "substandard": "次级",
    "doubtful": "可疑",
    "loss": "损失",
}
CLASSES_EN = {
    "normal": "normal",
    "special_mention": "special mention",
    "substandard": "substandard",
    "doubtful": "doubtful",
    "loss": "loss",
}


def line_opened(line: CreditLine) -> list[Announcement]:
    if line.borrower is None:
        return []
    money = _money(line.limit, line.currency)
    return [
        Announcement(
            event="credit.line_opened",
            deduplication_key=f"credit.line_opened:{line.pk}",
            organisation=line.borrower,
            title_zh=f"授信额度 {line.number} 已生效：{money}",
            title_en=f"Credit line {line.number} is open: {money}",
            url=reverse("finance:loan_list"),
            data={"line": line.pk, "number": line.number, "limit": str(line.limit)},
        )
    ]


CHANGED = {
    LineChange.Kind.LIMIT: ("额度已调整", "has a new limit"),
    LineChange.Kind.FREEZE: ("已冻结：暂停新的用信", "was frozen: no new draws"),
    LineChange.Kind.UNFREEZE: ("已解冻", "is open again"),
    LineChange.Kind.CLOSE: ("已关闭", "was closed"),
}


def line_changed(change: LineChange, line: CreditLine) -> list[Announcement]:
    if line.borrower is None:
        return []
    what_zh, what_en = CHANGED[change.kind]
    return [
        Announcement(
            event="credit.line_changed",
            deduplication_key=f"credit.line_changed:{change.pk}",
            organisation=line.borrower,
            title_zh=f"授信额度 {line.number} {what_zh}",
            title_en=f"Credit line {line.number} {what_en}",
            body_zh=change.reason,
            body_en=change.reason,
            url=reverse("finance:loan_list"),
            data={"line": line.pk, "number": line.number, "limit": str(line.limit), "status": line.status},
        )
    ]


def change_waits(change: LineChange) -> Announcement:
    return Announcement(
        event="credit.change_proposed",
        deduplication_key=f"credit.change_proposed:{change.pk}",
        organisation=change.bank,
        title_zh="有一项额度变更待复核",
        title_en="A change of a credit line waits for the second person",
        body_zh=change.reason,
        body_en=change.reason,
        url=reverse("finance:bank_programmes"),
        data={"change": change.pk, "kind": change.kind},
    )


def invited(invitation: ProgrammeInvitation) -> Announcement:
    name_zh, name_en = names(invitation.programme.parent.borrower)
    return Announcement(
        event="programme.invited",
        deduplication_key=f"programme.invited:{invitation.pk}",
        organisation=invitation.firm,
        title_zh=f"{name_zh}邀请贵方加入供应链融资计划“{invitation.programme.name}”",
        title_en=f"{name_en} invites you into its programme “{invitation.programme.name}”",
        url=reverse("finance:loan_list"),
        data={"invitation": invitation.pk, "suggested_limit": str(invitation.suggested_limit)},
    )


def invitation_answered(invitation: ProgrammeInvitation) -> Announcement:
    name_zh, name_en = names(invitation.firm)
    accepted = invitation.status == ProgrammeInvitation.Status.ACCEPTED
    titles = (
        (f"{name_zh}接受加入融资计划", f"{name_en} accepts to join the programme")
        if accepted
        else (f"{name_zh}谢绝加入融资计划", f"{name_en} declines to join the programme")
    )
    return Announcement(
        event="programme.answered",
        deduplication_key=f"programme.answered:{invitation.pk}:{invitation.status}",
        organisation=invitation.programme.parent.borrower,
        title_zh=titles[0],
        title_en=titles[1],
        url=reverse("finance:programme_detail", args=[invitation.programme_id]),
        data={"invitation": invitation.pk, "status": invitation.status},
    )
