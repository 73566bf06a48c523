"""What the robots of WeCom and DingTalk have in common: the same message, and answers that say more than the status."""

import json
from dataclasses import replace

from marketplace.runs.channels.outcome import Outcome, Result
from marketplace.runs.channels.outgoing import post


def post_text(url: str, text: str, *, temporary_codes: set[int]) -> Outcome:
    """Post a text to a robot; it answers 200 even when it refuses, and says so in ``errcode``."""
    content = json.dumps({"msgtype": "text", "text": {"content": text}}, ensure_ascii=False).encode()
    answer = post(url, content=content, headers={"content-type": "application/json"})
    outcome = answer.outcome()
    if not outcome.is_delivered:
        return outcome
    try:
        said = json.loads(answer.text)
        code, reason = int(said["errcode"]), str(said.get("errmsg", ""))
    except (ValueError, KeyError, TypeError):
        return replace(outcome, result=Result.PERMANENT, detail=f"This is no robot's answer: {answer.text[:200]}")
    if code == 0:
        return outcome
    result = Result.TEMPORARY if code in temporary_codes else Result.PERMANENT
    return replace(outcome, result=result, detail=f"errcode {code}: {reason[:200]}")
