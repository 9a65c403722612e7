"""A store that may go away, and come back as another one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple, Self

from jobledger._clock import SystemClock
from jobledger._metrics.overview.watcher import Watcher
from jobledger._store.open import open_store
from jobledger._store.sqlite.lockfile import let_go
from jobledger._store.sqlite.store import SqliteStore
from jobledger.cli.metrics.watch import Watched
from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Collection

    from jobledger._metrics.overview.figures import Overview, Picture
    from jobledger._store.contract import Store


class Seen(NamedTuple):
    """What one look gave."""

    overview: Overview
    picture: Picture | None = None


class Feed:
    """Overviews of what a URL names, whatever stands there at the time.

    Args:
        url: the store.
        types: only these; none means all.
    """

    def __init__(self, url: str, types: Collection[str]) -> None:
        """Nothing is opened yet."""
        self._url = url
        self._watcher = Watcher(types)
        self._store: Store | None = None
        self._file: Watched | None = None
        self._turn = threading.Lock()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the store go, unless an answer of it is still awaited: then it goes with the process."""
        if self._turn.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._turn.release()

    def look(self, *, pictured: bool = False) -> Seen:
        """The store as it is now.

        Args:
            pictured: the last hour, too; the first time it takes a tenth of a second.

        Raises:
            JobledgerError: it can't be read now. The next look begins anew.
        """
        with self._turn:
            return self._look(pictured=pictured)

    def _look(self, *, pictured: bool) -> Seen:
        try:
            if self._file is not None:
                self._file.check()
        except StoreError:
            self._let_go()
        if self._store is None:
            self._file = Watched(self._url)
            self._store = open_store(self._url, SystemClock().now)
        try:
            overview = self._watcher.look(self._store)
            return Seen(overview, self._watcher.picture() if pictured else None)
        except StoreError:
            self.close()
            raise

    def _let_go(self) -> None:
        """The file was removed or replaced, and so may be its lock file: whatever stands there now is looked at."""
        store = self._store
        self.close()
        if isinstance(store, SqliteStore):
            let_go(store.path)

    def close(self) -> None:
        """Let the store go."""
        store, self._store, self._file = self._store, None, None
        if store is not None:
            store.close()


class Asking:
    """One look, in a thread that nobody has to wait for.

    Args:
        feed: what is looked at.
        pictured: see :meth:`Feed.look`.
    """

    def __init__(self, feed: Feed, *, pictured: bool) -> None:
        """Begin to look."""
        self._feed = feed
        self._pictured = pictured
        self._seen: Seen | None = None
        self._error: Exception | None = None
        self._done = threading.Event()
        threading.Thread(target=self._look, name="jobledger-top", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Whether it has an answer after so long."""
        return self._done.wait(seconds)

    def answer(self) -> Seen:
        """What was seen.

        Raises:
            Exception: what the look raised.
        """
        if self._error is not None:
            raise self._error
        assert self._seen is not None  # noqa: S101 - it is done, and did not fail
        return self._seen

    def _look(self) -> None:
        try:
            self._seen = self._feed.look(pictured=self._pictured)
        except Exception as error:  # noqa: BLE001 - raised again where it is asked for
            self._error = error
        finally:
            self._done.set()
