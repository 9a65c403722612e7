"""Which store, and whose handlers: from ``module:attr``, a URL or the environment."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from jobledger._config import URL_VARIABLE
from jobledger._store.open import is_postgres
from jobledger._store.postgres.target import SECRETS, split
from jobledger.app import App
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from types import ModuleType


def load(target: str, url: str | None = None) -> App:
    """The App that ``module:attr`` names; the current directory is searched first.

    Args:
        target: such as ``myproject.jobs:app``.
        url: another store than the App's own.

    Raises:
        InvalidOption: there is none; says what to do.
    """
    module_name, colon, path = target.partition(":")
    if not (colon and module_name and path):
        raise InvalidOption(f"{target!r} is not MODULE:ATTR: name the module and the App in it, e.g. jobs:app")
    module = _module(module_name)
    found: object = module
    for name in path.split("."):
        found = getattr(found, name, None)
    if not isinstance(found, App):
        raise InvalidOption(_not_an_app(module, path, found))
    if url is not None:
        found.url = url
    return found


def url_of(target: str | None, url: str | None) -> str:
    """The URL of the store that the options name.

    Raises:
        InvalidOption: none of them names one.
    """
    found = url or (load(target).url if target else os.environ.get(URL_VARIABLE))
    if not found:
        raise InvalidOption(
            f"which store? Give --url sqlite:///jobs.db or --app MODULE:ATTR after the command, or set {URL_VARIABLE}"
        )
    return found


def source_of(target: str | None, url: str | None) -> str:
    """What names the store."""
    return "--url" if url else f"--app {target}" if target else URL_VARIABLE


def public(url: str) -> str:
    """A URL without its password."""
    if is_postgres(url):
        return _without_secrets(url)
    parts = split(url)
    return url if not parts.password else parts._replace(netloc=_masked(parts.netloc)).geturl()


def _without_secrets(url: str) -> str:
    scheme, _, rest = url.partition("://")
    parts = split(url)
    if "@" in rest and "@" not in parts.netloc:  # nobody can tell where the password ends
        return f"{scheme}://***@{rest.rpartition('@')[2]}"
    options = [(name, "***" if name in SECRETS else value) for name, value in parse_qsl(parts.query)]
    query = f"?{urlencode(options, safe='/,*')}" if options else ""
    return f"{scheme}://{_masked(parts.netloc)}{parts.path}{query}"


def _masked(netloc: str) -> str:
    user, at, places = netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    return f"{name}:***{at}{places}" if colon else netloc


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise InvalidOption(_failed(name, error)) from error
        hint = "check the name, or change directory"
        if name.endswith(".py"):
            hint = f"write {name.removesuffix('.py').replace('/', '.')} for that file"
        raise InvalidOption(f"there is no module {name!r} in {here} or among the installed ones: {hint}") from None
    except Exception as error:
        raise InvalidOption(_failed(name, error)) from error


def _failed(name: str, error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    where = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"importing {name!r} failed{where}: {type(error).__name__}: {error}"


def _is_ours(filename: str) -> bool:
    return filename == __file__ or filename.startswith("<frozen") or filename == importlib.__file__


def _not_an_app(module: ModuleType, path: str, found: object) -> str:
    apps = [name for name, value in vars(module).items() if isinstance(value, App)]
    hint = f"its Apps are {', '.join(apps)}" if apps else 'it has no App: write app = App("sqlite:///jobs.db") there'
    what = f"no {path!r}" if found is None else f"{path!r}, but that is {type(found).__name__!r} and not an App"
    return f"module {module.__name__!r} has {what}: {hint}"
