"""A disk whose syncs fail when told to: SQLite's own file functions, with one of them replaced."""

import apsw

NAME = "failing syncs"


class FailingSyncs(apsw.VFS):
    """The default of new connections, until it is unregistered.

    Attributes:
        fails: how the names of the files end whose next sync fails.
        log_writes: writes to logs so far.
    """

    def __init__(self) -> None:
        super().__init__(NAME, "unix", makedefault=True)
        self.fails: list[str] = []
        self.log_writes = 0

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's
        return File(self, name, flags)


class File(apsw.VFSFile):
    """One file of it."""

    def __init__(self, disk: FailingSyncs, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else name or ""

    def xSync(self, flags: int) -> None:  # noqa: N802 - as above
        if self._disk.fails and self._name.endswith(self._disk.fails[0]):
            del self._disk.fails[0]
            raise apsw.exception_for(apsw.SQLITE_IOERR_FSYNC)
        super().xSync(flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - as above
        self._disk.log_writes += self._name.endswith("-wal")
        super().xWrite(data, offset)
