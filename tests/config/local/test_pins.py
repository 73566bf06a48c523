import re

from config.local.install import digest, registry, torch_choices, wanted
from config.local.pins import ROOT, constraints, declared, requirements

PIN = re.compile(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^ ]+")


def test_requirements_are_what_pyproject_declares():
    runtime, development = declared()

    assert (ROOT / "requirements.txt").read_text(encoding="utf-8") == requirements(runtime)
    assert wanted(with_tests=True) == [*runtime, *development]
    assert wanted(with_tests=False) == runtime


def test_every_direct_dependency_has_one_version_and_its_reason():
    runtime, development = declared()

    assert [line for line in [*runtime, *development] if not PIN.fullmatch(line)] == []


def test_constraints_hold_every_direct_dependency():
    runtime, development = declared()
    pinned = {line.split(" ")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}

    missing = [line for line in [*runtime, *development] if re.sub(r"\[.*\]", "", line).lower() not in pinned]

    assert missing == []


def test_constraints_name_no_cuda_package_and_no_place():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")

    assert re.findall(r"^(nvidia|cuda|triton)\S*|://|\+cpu|^-\S+", text, re.MULTILINE) == []


def test_constraints_leave_out_what_only_a_cuda_torch_needs():
    resolved = "--index-url x\nnvidia-cublas==13.1 ; sys_platform == 'linux'\ntorch==2.13.0\n    # via x\ntriton==3.7\n"

    assert constraints(resolved).splitlines()[2:] == ["torch==2.13.0"]


def test_torch_is_the_cpu_build_before_any_other_on_linux():
    names = [name for name, _, _ in torch_choices("Linux")]

    assert names == ["the CPU build offered here", "the CPU build", "the registry's build"]
    assert [name for name, _, _ in torch_choices("Darwin")] == ["the registry's build"]


def test_registry_lets_variables_win_over_files_and_what_is_set_for_uv_stay():
    said = "global.find-links='/file'\nglobal.extra-index-url='a b'\n:env:.find-links='/variable'\nglobal.cert='c.crt'"

    assert registry(said, {"SSL_CERT_FILE": "mine.crt"}) == {
        "UV_FIND_LINKS": "/variable",
        "UV_INDEX": "a b",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_digest_changes_with_the_packages():
    assert digest(["a==1"]) != digest(["a==2"])
