"""Make `.venv` and put what is pinned into it: `python3 config/local/install.py [--with-tests]`.

Runs before anything is installed, so it needs nothing but Python 3.11 and imports nothing of ours.
"""

import argparse
import hashlib
import os
import platform
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = "uv==0.13.9"


class CannotInstall(Exception):  # noqa: N818 - named for the fact
    """``str(error)`` says in one sentence what to do."""


def wanted(*, with_tests: bool) -> list[str]:
    """Return the direct dependencies, as requirements.txt and, for tests, pyproject.toml's other groups pin them."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    runtime = [line for line in lines if line and not line.startswith("#")]
    if not with_tests:
        return runtime
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = [line for lines in content["project"]["optional-dependencies"].values() for line in lines]
    return [*runtime, *content["dependency-groups"]["dev"], *extras]


def digest(packages: list[str]) -> str:
    """Return what changes when these packages, their pins or the Python under them change."""
    said = [*packages, (ROOT / "constraints.txt").read_text(encoding="utf-8"), platform.python_version(), str(ROOT)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def registry(pip_says: str, environ: Mapping[str, str]) -> dict[str, str]:
    r"""Return what tells uv of the registry that pip uses: uv reads neither pip's file nor its variables.

    >>> registry("global.find-links='/a /b'\n:env:.index-url='https://mirror/simple'", {})
    {'UV_FIND_LINKS': '/a,/b', 'UV_DEFAULT_INDEX': 'https://mirror/simple'}
    """
    settings = re.findall(r"^(\S+)='(.*)'$", pip_says, re.MULTILINE)
    # pip's variables (":env:") win over its files.
    settings.sort(key=lambda setting: setting[0].startswith(":env:"))
    found = {key.rpartition(".")[2]: value for key, value in settings}
    translated = {}
    if links := found.get("find-links"):
        translated["UV_FIND_LINKS"] = ",".join(links.split())
    if index := found.get("index-url"):
        translated["UV_DEFAULT_INDEX"] = index
    if extra := found.get("extra-index-url"):
        # As pip does: the best version of all registries, not all versions of the first.
        translated |= {"UV_INDEX": " ".join(extra.split()), "UV_INDEX_STRATEGY": "unsafe-best-match"}
    if certificates := found.get("cert"):
        translated["SSL_CERT_FILE"] = certificates
    return {name: value for name, value in translated.items() if name not in environ}


def torch_choices(system: str) -> list[tuple[str, list[str], dict[str, str]]]:
    """Return the ways to get torch, best first: a name, constraints and environment; several GB of CUDA come last."""
    pin = next(line for line in wanted(with_tests=False) if line.startswith("torch=="))
    plain = ("the registry's build", [], {})
    if system != "Linux":
        return [plain]
    return [
        ("the CPU build offered here", [f"{pin}+cpu"], {}),
        ("the CPU build", [], {"UV_TORCH_BACKEND": "cpu"}),
        plain,
    ]


def run(command: list[str], *, quiet: bool = False, environ: Mapping[str, str] | None = None) -> bool:
    """Run a program; return whether it succeeded."""
    out = subprocess.DEVNULL if quiet else None
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(environ or {})}, stdout=out, stderr=out, check=False)
    return done.returncode == 0


def say(text: str) -> None:
    print(f"setup    | {text}", flush=True)


def make_environment() -> None:
    """Make `.venv` with pip in it, unless it works already.

    :raises CannotInstall: if this Python cannot make one
    """
    version = "import sys; sys.exit(sys.version_info[:2] != ({}, {}))".format(*sys.version_info[:2])
    if PYTHON.exists() and run([str(PYTHON), "-c", version], quiet=True):
        return
    say(f"making .venv with Python {platform.python_version()}")
    if run([sys.executable, "-m", "venv", "--clear", str(VENV)], quiet=True):
        return
    # Debian keeps venv's pip in a package of its own; another pip can fill an environment that has none.
    bare = run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)], quiet=True)
    if bare and run([sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "pip"]):
        return
    raise CannotInstall(
        "This Python cannot make a virtual environment: install its venv module (python3-venv on Debian)."
    )


def install(packages: list[str]) -> None:
    """Install these packages with uv, or with pip where uv cannot.

    :raises CannotInstall: if neither can
    """
    constraints = ["-c", str(ROOT / "constraints.txt")]
    pip = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    uv = [str(PYTHON), "-m", "uv", "pip", "install", "--python", str(PYTHON)]
    if run([*uv[:3], "--version"], quiet=True) or run([*pip, "--quiet", UV]) or run([*pip, "--quiet", "uv"]):
        said = subprocess.run([*pip[:3], "config", "list"], capture_output=True, text=True, check=False).stdout
        known = registry(said, os.environ)
        for name, extra, environ in torch_choices(platform.system()):
            environment = {**known, **environ}
            pin = extra or [line for line in packages if line.startswith("torch==")]
            if not run([*uv, "--dry-run", "--no-deps", *pin], quiet=True, environ=environment):
                continue
            say(f"installing {len(packages)} packages and what they need, torch as {name} (a minute or two)")
            if run([*uv, "--compile-bytecode", *packages, *extra, *constraints], environ=environment):
                return
    say("uv could not install them; trying pip (some minutes)")
    if not run([*pip, *packages, *constraints]):
        raise CannotInstall("The packages could not be installed: see pip's last words above.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--with-tests", action="store_true", help="also what the tests and benchmarks need")
    with_tests = parser.parse_args().with_tests
    began = time.monotonic()
    try:
        packages = wanted(with_tests=with_tests)
        # What has everything that the tests need has everything.
        stamps = [VENV / ".with-tests", VENV / ".runtime"]
        for stamp, has_tests in zip(stamps, (True, False), strict=True):
            enough = has_tests or not with_tests
            if enough and stamp.exists() and stamp.read_text() == digest(wanted(with_tests=has_tests)):
                return 0
        make_environment()
        install(packages)
        # Programs such as pytest and celery then find the project from any folder.
        next(VENV.glob("lib/python3*/site-packages")).joinpath("project.pth").write_text(f"{ROOT}\n", encoding="utf-8")
        stamps[0 if with_tests else 1].write_text(digest(packages), encoding="ascii")
        say(f"done in {time.monotonic() - began:.0f} s")
    except (CannotInstall, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
