"""What a newcomer reads when everything answers."""

from collections.abc import Mapping

DEMO_USERS = "buyer, seller, operator, maker, checker, insurer, designer, admin"
DEMAND = "304 不锈钢法兰球阀 DN50 PN16, 500 只, 30 天内到台州"
RULE = "-" * 78


def welcome(environ: Mapping[str, str], address: str, *, seconds: float) -> str:
    """Return the address, the demo users and a command that posts a demand, in both languages."""
    lines = [
        RULE,
        f"就绪 / Ready: {address}/   ({seconds:.1f} s)",
        f"接口文档 / API docs: {address}/api/v1/docs/   后台 / Admin: {address}/admin/",
    ]
    if environ.get("SEED", "1") != "0":
        password = environ.get("DEMO_PASSWORD") or "demo-2026"
        lines += [
            f"演示用户 / Demo users: {DEMO_USERS}",
            f"密码 / Password: {password}",
        ]
    lines += [
        "发布一条需求 / Post a demand (in another terminal, in this folder):",
        "",
        curl(address),
        "",
        "Ctrl-C 停止全部进程 / stops every process",
        RULE,
    ]
    return "\n".join(lines)


def curl(address: str) -> str:
    """Return one command that posts the demand of the main story as the demo buyer."""
    body = f'{{"side": "demand", "kind": "product", "text": "{DEMAND}"}}'
    return (
        f"curl -s {address}/api/v1/listings/ \\\n"
        f'  -H "Authorization: Token $(.venv/bin/python manage.py token buyer)" \\\n'
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{body}'"
    )
