"""Write requirements.txt and constraints.txt from pyproject.toml: `make pins`, after a dependency changed."""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# torch's registry build brings several GB of these; the CPU build needs none, and a constraint on them pins nothing.
CUDA = re.compile(r"^(cuda-|nvidia-|triton)")


def declared(pyproject: Path = ROOT / "pyproject.toml") -> tuple[list[str], list[str]]:
    """Return the runtime and the development dependencies that pyproject.toml declares; tests try every extra."""
    content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    extras = [line for lines in content["project"]["optional-dependencies"].values() for line in lines]
    return content["project"]["dependencies"], content["dependency-groups"]["dev"] + extras


def requirements(dependencies: Iterable[str]) -> str:
    """Return requirements.txt for these dependencies."""
    return "\n".join(["# Direct dependencies; pyproject.toml says what each is for.", *dependencies]) + "\n"


def constraints(resolved: str) -> str:
    """Return constraints.txt for what uv resolved, without CUDA packages and without options that name a place."""
    pins = [line for line in resolved.splitlines() if line and line[0].isalnum() and not CUDA.match(line)]
    header = [
        "# Every package, direct or not, for Python 3.11 and later on Linux and macOS; written by `make pins`.",
        "# Without hashes, so that torch may be the CPU build where one is offered.",
    ]
    return "\n".join([*header, *pins]) + "\n"


def main() -> None:
    runtime, development = declared()
    (ROOT / "requirements.txt").write_text(requirements(runtime), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "wanted.txt")
        wanted.write_text("\n".join([*runtime, *development]) + "\n", encoding="utf-8")
        # Offered wheels are left out: their local version (2.13.0+cpu) exists on this machine only.
        resolved = subprocess.run(
            [
                *(sys.executable, "-m", "uv", "pip", "compile", "--universal", "--python-version", "3.11"),
                *("--no-header", "--no-annotate", "--quiet", str(wanted)),
            ],
            env={**os.environ, "UV_FIND_LINKS": ""},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
    (ROOT / "constraints.txt").write_text(constraints(resolved), encoding="utf-8")


if __name__ == "__main__":
    main()
