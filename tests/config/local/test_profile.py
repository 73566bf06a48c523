import stat

import pytest

from config.local.errors import CannotStart
from config.local.profile import data_folder, is_local, load_profile, read_profile, write_profile


def test_write_profile_has_a_long_secret_that_only_its_owner_reads(tmp_path):
    path = write_profile(tmp_path / "data")

    assert len(read_profile(tmp_path / "data")["SECRET_KEY"]) > 50
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_write_profile_twice_keeps_the_first_secret(tmp_path):
    write_profile(tmp_path)
    first = read_profile(tmp_path)

    write_profile(tmp_path)

    assert read_profile(tmp_path) == first
    assert [path.name for path in tmp_path.iterdir()] == ["profile.env"]


def test_load_profile_lets_the_environment_win(tmp_path):
    write_profile(tmp_path)
    environ = {"DATA_DIR": str(tmp_path), "LOCAL_PROFILE": "0"}

    load_profile(environ)

    assert environ["LOCAL_PROFILE"] == "0"
    assert environ["ALLOWED_HOSTS"] == "localhost,127.0.0.1,[::1]"
    assert is_local(environ) is False


def test_read_profile_without_one_is_empty(tmp_path):
    assert read_profile(tmp_path) == {}


def test_read_profile_names_the_line_that_is_wrong(tmp_path):
    (tmp_path / "profile.env").write_text("# mine\nSECRET_KEY=x\nnonsense\n", encoding="utf-8")

    with pytest.raises(CannotStart, match=r"^Line 3 of .*profile.env is not NAME=value.$"):
        read_profile(tmp_path)


def test_data_folder_that_is_a_file_is_refused_with_its_name(tmp_path):
    (tmp_path / "data").touch()

    with pytest.raises(CannotStart, match=r"DATA_DIR cannot be used: .*data"):
        write_profile(data_folder({"DATA_DIR": str(tmp_path / "data" / "deep")}))
