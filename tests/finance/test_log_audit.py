"""Even who may do anything in the database cannot change the log unseen."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from finance.models.log import LOG_MAY_SHRINK, LOG_ONLY_GROWS
from finance.services import checkpoints, evidence
from finance.services.log_audit import LogDoesNotAddUp, audit_log
from finance.verify_voucher import verify
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("english")]


@pytest.fixture
def log():
    for turn in range(2):
        evidence.append_all(entries=[evidence.Entry("thing.done", {"n": n, "turn": turn}) for n in range(6)], at=NOON)
        checkpoints.sign_log(now=NOON)


def tamper(sql):
    """Do what an intruder does who owns the database: first of all, away with the triggers."""
    with connection.cursor() as cursor:
        cursor.execute(LOG_MAY_SHRINK)
        cursor.execute(sql)
        cursor.execute(LOG_ONLY_GROWS)


def test_audit_finds_an_untouched_log_right(log):
    audit = audit_log()

    assert (audit.leaves, audit.nodes, audit.checkpoints) == (12, 10, 2)
    assert audit.root == evidence.head().root.hex()


def test_audit_of_an_empty_log_is_right():
    assert audit_log().leaves == 0


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("UPDATE finance_logleaf SET content = '{\"n\": 9}' WHERE index = 4", "Leaf 4"),
        ("UPDATE finance_logleaf SET kind = 'thing.undone' WHERE index = 0", "Leaf 0"),
        ("DELETE FROM finance_logleaf WHERE index = 3", "Leaf 4"),
        ("UPDATE finance_lognode SET hash = '\\x00' WHERE level = 1 AND index = 2", "Node 2 of level 1"),
        ("DELETE FROM finance_logleaf WHERE index > 9", "ends at leaf 10"),
        ("UPDATE finance_checkpoint SET root = repeat('0', 64) WHERE size = 6", "checkpoint of 6"),
        ("UPDATE finance_loghead SET size = 13, frontier = frontier || '[\"00\"]'", "leaf 12"),
        (
            "DELETE FROM finance_logleaf WHERE index > 7; DELETE FROM finance_lognode WHERE (index + 1) * (2 ^ level) > 8",
            "ends at leaf 8",
        ),
    ],
)
def test_audit_names_the_first_place_that_was_changed(sql, place, log):
    tamper(sql)

    with pytest.raises(LogDoesNotAddUp, match=place):
        audit_log()


def test_audit_holds_the_log_to_a_checkpoint_kept_elsewhere(log, tmp_path):
    kept = tmp_path / "kept.txt"
    kept.write_text(checkpoints.sign_log(now=NOON).note(), encoding="utf-8")
    tamper("DELETE FROM finance_checkpoint")
    call_command("check_log", checkpoint=str(kept))
    forged = kept.read_text().replace("\n12\n", "\n13\n")
    kept.write_text(forged, encoding="utf-8")

    with pytest.raises(CommandError):
        call_command("check_log", checkpoint=str(kept))


def test_check_log_writes_figures_and_a_log_that_a_witness_can_check(log, tmp_path, capsys):
    figures, exported = tmp_path / "figures.json", tmp_path / "log.jsonl"

    call_command("check_log", json=str(figures), export=str(exported))

    assert '"leaves": 12' in figures.read_text()
    assert "12 leaves" in capsys.readouterr().out
    assert verify(exported.read_text(), now=int(NOON.timestamp()))[2][0]["code"] == "ok_log"
    with pytest.raises(CommandError):
        call_command("check_log", checkpoint=str(tmp_path / "nothing"))
