"""A real Prometheus of a test's own: it scrapes, evaluates rules, and answers what it is asked.

Example:
    >>> with Prometheus(folder, {"shop": [address]}, rules=rendered()) as prometheus:  # doctest: +SKIP
    ...     at = prometheus.until_scraped("shop")
    ...     prometheus.value('sum(jobs_dlq_size{job="shop"})', at)
"""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import httpx

from tests.waiting import until_blocking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

EXECUTABLE: Final = "prometheus"
PATIENCE: Final = 30.0
"""Seconds that a loaded machine may need for what takes one."""
_OPTIONS: Final = (
    "--config.file=prometheus.yml",
    "--storage.tsdb.path=data",
    "--web.listen-address=127.0.0.1:0",
    "--scrape.discovery-reload-interval=10ms",  # hidden; without it the first scrape may take ten seconds
    "--enable-feature=exemplar-storage",
    "--log.format=json",
)
Labels: TypeAlias = frozenset[tuple[str, str]]


class Prometheus:
    """`prometheus` on a free port, from ``with`` to its end; then it is stopped, or killed.

    It needs five seconds before its first scrape, whatever it is told: so long its discovery gathers targets. Start it
    before the work that it is to see.

    Attributes:
        folder: where its configuration, its log and its data are.
        address: ``http://…`` of its API and its pages, as soon as it is started.
        interval: seconds between two scrapes, and between two evaluations of the rules.
    """

    def __init__(
        self, folder: Path, jobs: Mapping[str, Sequence[str]], *, rules: str = "", interval: float = 0.5
    ) -> None:
        """Write down what it is to do.

        Args:
            folder: an empty one, or one that does not exist yet.
            jobs: by name of the scrape job (one for each store) its targets, as ``127.0.0.1:9464``.
            rules: a rule file, as `jobledger export alerts` prints it.
            interval: seconds between two scrapes, and between two evaluations.
        """
        self.folder = folder
        self.address = ""
        self.interval = interval
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(timeout=PATIENCE)
        self._asking = Lock()  # with several threads its pool closes a connection that another one has just been given
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rules.yml").write_text(rules, encoding="utf-8")
        (folder / "prometheus.yml").write_text(json.dumps(self._configuration(jobs)), encoding="utf-8")

    def _configuration(self, jobs: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """JSON is YAML, too."""
        every = f"{self.interval * 1000:.0f}ms"
        return {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": ["rules.yml"],
            "scrape_configs": [
                {"job_name": name, "static_configs": [{"targets": [*targets]}]} for name, targets in jobs.items()
            ],
        }

    def __enter__(self) -> Self:
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [EXECUTABLE, *_OPTIONS], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            until_blocking(self._is_ready, "Prometheus is ready", PATIENCE)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Its end, one way or the other."""
        self._client.close()
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def log(self) -> str:
        """What it said so far."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def ask(self, query: str, at: float | None = None) -> dict[Labels, float]:
        """What PromQL answers: values by their labels, the name of the series (``__name__``) not among them.

        Args:
            query: for an instant vector.
            at: the moment, in seconds since 1970; None is now.
        """
        moment = {} if at is None else {"time": f"{at:.3f}"}
        data = self.api("query", query=query, **moment)
        assert data["resultType"] == "vector", data
        return {_labels(sample["metric"]): float(sample["value"][1]) for sample in data["result"]}

    def value(self, query: str, at: float | None = None) -> float | None:
        """The one value of a query that gives one; None if it gives nothing."""
        values = [*self.ask(query, at).values()]
        assert len(values) <= 1, values
        return values[0] if values else None

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        return {alert["labels"]["alertname"] for alert in self.alerts() if alert["state"] == "firing"}

    def alerts(self) -> list[dict[str, Any]]:
        """All alerts that are pending or firing, with labels and annotations."""
        found: list[dict[str, Any]] = self.api("alerts")["alerts"]
        return found

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes, and how that went."""
        found: list[dict[str, Any]] = self.api("targets", state="active")["activeTargets"]
        return found

    def until_scraped(self, job: str, after: float = 0, targets: int = 1) -> float:
        """Wait for a scrape of each target, of the store as it was after a moment of its own clock.

        Returns:
            When the last of these scrapes was, for `ask`.
        """
        read = f'jobs_ledger_as_of_timestamp_seconds{{job="{job}"}}'
        scrapes: list[float] = []

        def scraped() -> bool:
            scrapes[:] = self.ask(f"timestamp({read}) and {read} > {after:.6f}").values()
            return len(scrapes) == targets

        until_blocking(scraped, f"{targets} target(s) of {job} are scraped", PATIENCE)
        return max(scrapes)

    def exemplars(self, series: str, until: float) -> list[dict[str, Any]]:
        """The exemplars that it keeps of the hour before a moment: for each series its labels, and `exemplars`."""
        window = {"start": f"{until - 3600:.3f}", "end": f"{until + 60:.3f}"}
        found: list[dict[str, Any]] = self.api("query_exemplars", query=series, **window)
        return found

    def api(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its API."""
        with self._asking:
            answer = self._client.get(f"{self.address}/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"Prometheus has ended: {self.log}"
        self.address = self.address or self._listening()
        if self.address:
            with suppress(httpx.TransportError):
                return self._client.get(f"{self.address}/-/ready").is_success
        return False

    def _listening(self) -> str:
        """Its address, once the log has it: the port is its own choice."""
        for line in self.log.splitlines(keepends=True):
            told: dict[str, Any] = json.loads(line) if line.endswith("\n") else {}
            if told.get("msg") == "Listening on":
                return f"http://{told['address']}"
        return ""


def labels(**values: str) -> Labels:
    """Labels, as answers have them."""
    return _labels(values)


def _labels(of: Mapping[str, str]) -> Labels:
    return frozenset((name, value) for name, value in of.items() if name != "__name__")
