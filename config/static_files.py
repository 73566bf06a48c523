"""Static files that come inside installed packages which are no Django apps."""

from importlib.util import find_spec
from pathlib import Path

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

# Name under /static/ -> the package, and where in it the file lies. Of a package only what pages ask for is served.
FILES = {"plotly/plotly.min.js": ("plotly", "package_data/plotly.min.js")}


class PackageFinder(BaseFinder):
    """Find the files of FILES without importing their packages."""

    def check(self, **kwargs):
        return []

    def find(self, path, find_all=False, **kwargs):  # noqa: FBT002 - Django's signature
        found = [str(_place(path))] if path in FILES else []
        return found if find_all else next(iter(found), [])

    def list(self, ignore_patterns):
        for name in FILES:
            folder, _separator, file = name.rpartition("/")
            storage = FileSystemStorage(location=_place(name).parent)
            storage.prefix = folder
            yield file, storage


def _place(name: str) -> Path:
    package, path = FILES[name]
    return Path(find_spec(package).origin).parent / path
