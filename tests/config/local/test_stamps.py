import os
import shutil

import pytest
from django.db import connection

from config.local import stamps
from config.local.stamps import Stamp, cluster_state, schema_state, static_state


def test_stamp_says_only_what_was_written(tmp_path):
    stamp = Stamp(tmp_path / "done")

    before = stamp.says("now")
    stamp.write("now")

    assert (before, stamp.says("now"), stamp.says("later")) == (False, True, False)


def test_stamp_never_vouches_for_an_unknown_state(tmp_path):
    stamp = Stamp(tmp_path / "done")
    stamp.write("")

    assert stamp.says("") is False


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(stamps, "ROOT", tmp_path)
    (tmp_path / "static").mkdir()
    (tmp_path / "app" / "migrations").mkdir(parents=True)
    return tmp_path


def test_static_state_changes_with_our_files_and_not_with_what_was_collected(root):
    empty = static_state()
    (root / "static" / "site.css").write_text("a {}")
    written = static_state()
    (root / ".data" / "static").mkdir(parents=True)
    (root / ".data" / "static" / "site.css").write_text("a {}")

    assert empty != written
    assert static_state() == written


def test_schema_state_changes_with_a_new_migration(root, transactional_db):
    name = connection.settings_dict["NAME"]
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    before = schema_state(url)

    (root / "app" / "migrations" / "0002_more.py").write_text("")

    assert before != ""
    assert schema_state(url) not in {before, ""}


def test_schema_state_of_a_database_never_migrated_is_unknown():
    assert schema_state(os.environ["DATABASE_URL"].rpartition("/")[0] + "/postgres") == ""


def test_cluster_state_tells_a_database_from_its_successor(tmp_path):
    version = tmp_path / "postgres" / "PG_VERSION"
    version.parent.mkdir()
    version.write_text("18\n")
    first = cluster_state(tmp_path)
    shutil.move(version.parent, tmp_path / "old")
    version.parent.mkdir()
    version.write_text("18\n")

    assert cluster_state(tmp_path) != first
