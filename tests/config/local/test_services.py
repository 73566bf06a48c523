import os
import signal
import subprocess
from pathlib import Path

import psutil
import psycopg
import pytest
from kombu import Connection

from config.local import postgres
from config.local.errors import CannotStart
from config.local.postgres import Postgres, candidate_folders, major_version
from config.local.processes import is_locked, read_json
from config.local.services import missing_services, remove, running
from config.local.valkey import Valkey
from tests.config.conftest import eventually, processes_of

USER = Path(__file__).parent / "user.py"


def pid_of(service):
    return read_json(service.state.with_suffix(".child"), {})["pid"]


def keeper_of(service):
    return read_json(service.state, {})["keeper"]["pid"]


def test_missing_services_stand_in_only_for_what_is_not_set(folder):
    environ = {"DATABASE_URL": "postgres://elsewhere/trade", "CELERY_BROKER_URL": ""}

    services = missing_services(environ, folder)

    assert services == [Valkey(folder)]
    assert environ["DATABASE_URL"] == "postgres://elsewhere/trade"
    assert environ["CELERY_BROKER_URL"] == Valkey(folder).url


def test_running_starts_both_and_leaves_nothing(folder):
    environ = {}
    with running(missing_services(environ, folder, durable=False)):
        with psycopg.connect(environ["DATABASE_URL"]) as rows:
            found = rows.execute("select current_database(), current_setting('server_encoding')").fetchone()
        with Connection(environ["CELERY_BROKER_URL"]) as broker:
            answer = broker.default_channel.client.ping()

    assert found == ("marketplace", "UTF8")
    assert answer is True
    assert processes_of(folder) == []


def test_running_a_second_time_finds_the_rows_and_messages_of_the_first(folder):
    environ = {}
    with running(missing_services(environ, folder)):
        with psycopg.connect(environ["DATABASE_URL"]) as rows:
            rows.execute("create table kept as select 1 as one")
        with Connection(environ["CELERY_BROKER_URL"]) as broker:
            broker.SimpleQueue("kept").put({"one": 1})

    with running([Postgres(folder), Valkey(folder)]):
        with psycopg.connect(environ["DATABASE_URL"]) as rows:
            assert rows.execute("select one from kept").fetchone() == (1,)
        with Connection(environ["CELERY_BROKER_URL"]) as broker:
            assert broker.SimpleQueue("kept").get(timeout=5).payload == {"one": 1}


def test_the_last_user_stops_them_and_no_other(folder, begin):
    with running([Postgres(folder, durable=False)]):
        first = begin(USER, folder)
        eventually(lambda: "running" in first.said())

        first.send_signal(signal.SIGTERM)
        first.wait(timeout=20)

        assert Postgres(folder).answers()
        assert processes_of(folder) != []
    assert processes_of(folder) == []


def test_a_killed_user_leaves_nothing(folder, begin):
    user = begin(USER, folder)
    eventually(lambda: "running" in user.said())

    user.kill()
    user.wait()

    eventually(lambda: processes_of(folder) == [])


def test_a_killed_server_is_started_again_with_its_rows(folder):
    service = Postgres(folder)
    with running([service]):
        with psycopg.connect(service.url) as rows:
            rows.execute("create table kept as select 1 as one")
        killed = pid_of(service)

        os.kill(killed, signal.SIGKILL)

        eventually(lambda: pid_of(service) != killed and service.answers())
        with psycopg.connect(service.url) as rows:
            assert rows.execute("select one from kept").fetchone() == (1,)


@pytest.mark.parametrize("kind", [Postgres, Valkey])
def test_a_killed_keeper_takes_its_server_with_it_and_another_starts_both(folder, kind):
    service = kind(folder, durable=False)
    with running([service]) as uses:
        keeper, server = keeper_of(service), pid_of(service)

        os.kill(keeper, signal.SIGKILL)

        eventually(lambda: not is_locked(service.keeper_lock))
        uses[0].check()
        uses[0].wait()
        assert keeper_of(service) != keeper
        eventually(lambda: not psutil.pid_exists(server))


def test_a_stale_lock_with_a_number_that_somebody_else_has_now_does_not_hinder(folder):
    service = Postgres(folder, durable=False)
    with running([service]):
        pass
    (service.data / "postmaster.pid").write_text(f"{os.getpid()}\n{service.data}\n", encoding="utf-8")
    (service.socket_folder / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n", encoding="utf-8")

    with running([service]):
        assert service.answers()


def test_a_start_that_was_killed_half_way_is_begun_afresh(folder):
    (folder / "postgres.new").mkdir()
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n", encoding="utf-8")

    with running([Postgres(folder, durable=False)]):
        assert Postgres(folder).answers()


def test_a_folder_that_another_version_made_is_refused_in_a_sentence(folder):
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("9\n", encoding="utf-8")

    with (
        pytest.raises(CannotStart, match=r"was made by PostgreSQL 9, which is not installed here"),
        running([Postgres(folder)]),
    ):
        pass

    assert processes_of(folder) == []


def test_a_long_or_chinese_folder_with_spaces_works(folder):
    deep = folder / "数据 folder" / ("long-" * 20)

    service = Postgres(deep, durable=False)
    with running([service]), psycopg.connect(service.url) as rows:
        found = rows.execute("select 1").fetchone()

    assert found == (1,)
    assert len(str(service.socket)) < 100 < len(str(deep))
    remove(deep)
    assert not service.socket_folder.parent.exists()


def test_a_socket_folder_of_somebody_else_is_refused(folder, tmp_path, monkeypatch):
    service = Postgres(folder / ("long-" * 20), durable=False)
    service.socket_folder.parent.symlink_to(tmp_path)

    with pytest.raises(CannotStart, match="belongs to somebody else"):
        service.make_folders()

    service.socket_folder.parent.unlink()


def test_postgres_of_the_machine_serves_where_the_wheel_has_none(folder, monkeypatch):
    others = [
        found for found in candidate_folders() if "pixeltable" not in str(found) and (major_version(found) or 0) >= 15
    ]
    if not others:
        pytest.skip("this machine has no PostgreSQL of its own")
    monkeypatch.setattr(postgres, "candidate_folders", lambda: iter(others))
    service = Postgres(folder, durable=False)
    service.make_folders()

    service.prepare()
    command, options = service.command()
    server = subprocess.Popen(
        [str(part) for part in command], **options, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        eventually(service.answers)
        service.open()
        service.open()
        with psycopg.connect(service.url) as rows:
            assert rows.execute("select current_setting('server_encoding')").fetchone() == ("UTF8",)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=20)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must run PostgreSQL as somebody else")
def test_postgres_under_a_folder_that_nobody_may_enter_still_runs(folder):
    folder.chmod(0o700)
    private = folder / "private"
    private.mkdir(mode=0o700)
    if subprocess.run(["unshare", "--user", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no user namespaces")

    service = Postgres(private / "data", durable=False)
    with running([service]), psycopg.connect(service.url) as rows:
        assert rows.execute("select 1").fetchone() == (1,)
