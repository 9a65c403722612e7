"""The incidents."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Final

from tests.observability.incidents.incident import Incident
from tests.waiting import until

if TYPE_CHECKING:
    from tests.observability.incidents.deployment import Deployment

EVERY_TYPE: Final = ("email.send", "report.render", "row.import", "image.resize", "invoice.post")
PATIENCE: Final = 60.0


async def kill_a_worker(shop: Deployment) -> None:
    """With kill -9, while it renders reports."""
    victim = shop.workers[0]
    await until(
        lambda: shop.dependency.in_flight["report", victim.pid] > 0, "a worker renders a report", timeout=PATIENCE
    )
    victim.kill()
    victim.wait()


async def kill_all_workers(shop: Deployment) -> None:
    for worker in shop.workers:
        worker.kill()
    for worker in shop.workers:
        worker.wait()


async def start_a_worker(shop: Deployment) -> None:
    shop.start()


async def hold_an_image(shop: Deployment) -> None:
    """One request is never answered; those after it are."""
    shop.dependency.seconds["image"] = None
    await until(lambda: shop.dependency.waits("image"), "an image is being resized", timeout=PATIENCE)
    shop.dependency.seconds["image"] = 0.1


async def hold_all_images(shop: Deployment) -> None:
    shop.dependency.seconds["image"] = None


async def ease(shop: Deployment) -> None:
    shop.dependency.ease()


async def submit_poison(shop: Deployment) -> None:
    await shop.app.jobs.submit("invoice.post", {"fatal": True})


async def break_email(shop: Deployment) -> None:
    """Each connection is closed without an answer."""
    shop.dependency.broken.add("email")


async def slow_email_down(shop: Deployment) -> None:
    shop.dependency.seconds["email"] = 20.0


async def import_many_rows(shop: Deployment) -> None:
    for _ in range(6):
        await shop.app.jobs.submit("row.import", [{}] * 500)


async def import_for_one_customer(shop: Deployment) -> None:
    await shop.app.jobs.submit("row.import", [{}] * 150, entity="customer:42")


async def freeze_a_worker(shop: Deployment) -> None:
    victim = shop.workers[0]
    await until(
        lambda: shop.dependency.in_flight["report", victim.pid] > 0, "a worker renders a report", timeout=PATIENCE
    )
    os.kill(victim.pid, signal.SIGSTOP)


async def thaw(shop: Deployment) -> None:
    os.kill(shop.workers[0].pid, signal.SIGCONT)


async def freeze_the_endpoint(shop: Deployment) -> None:
    os.kill(shop.server.pid, signal.SIGSTOP)


async def thaw_the_endpoint(shop: Deployment) -> None:
    os.kill(shop.server.pid, signal.SIGCONT)


async def an_ordinary_day(shop: Deployment) -> None:
    """A deploy replaces the workers one by one; a batch of rows; a job that fails once."""
    shop.workers[0].send_signal(signal.SIGHUP)
    await shop.app.jobs.submit("row.import", [{}] * 50)


INCIDENTS: Final = (
    Incident(
        name="nothing at all",
        told="a healthy load, a deploy in the middle of it, and a batch of fifty jobs",
        breaks=an_ordinary_day,
        crews=(2,),
    ),
    Incident(
        name="dead worker",
        told="one of two workers is killed with kill -9 while it runs jobs",
        breaks=kill_a_worker,
        mends=start_a_worker,
        must=("WorkerLosses report.render",),
        may={"WorkerLosses *": "the worker ran jobs of other types, too"},
    ),
    Incident(
        name="no worker left",
        told="all workers are killed with kill -9",
        breaks=kill_all_workers,
        mends=start_a_worker,
        must=tuple(f"NoWorkerForType {name}" for name in EVERY_TYPE)
        + tuple(f"OldestReadyJobTooOld {name}" for name in EVERY_TYPE),
        may={
            "WorkerLosses *": "the next worker finds what the killed ones ran",
            "WaitSloFastBurn *": "all that waited starts late when a worker is there again",
            "WaitSloSlowBurn *": "as the fast one",
            "OldestParkedJobTooOld *": "jobs behind those that wait, wait as well",
            "WorkersSaturated *": "one worker works off what has gathered",
        },
    ),
    Incident(
        name="stuck handler",
        told="a call that is never answered holds a thread beyond its timeout",
        breaks=hold_an_image,
        mends=ease,
        must=("HungJob image.resize",),
        may={"OldestParkedJobTooOld *": "its customer's other jobs wait behind it"},
    ),
    Incident(
        name="all threads stuck",
        told="no call of a kind is answered any more, so that jobs hold all threads beyond their timeout",
        breaks=hold_all_images,
        mends=ease,
        must=("HungJob image.resize", "OldestReadyJobTooOld image.resize", "WorkersStalled image.resize"),
        may={
            "OldestParkedJobTooOld *": "their customers' jobs wait behind them",
            "WorkersSaturated image.resize": "some still start, when the last threads are taken",
            "WaitSloFastBurn image.resize": "all that waited starts late",
            "WaitSloSlowBurn image.resize": "as the fast one",
        },
    ),
    Incident(
        name="poison job",
        told="a job that kills its process, under a supervisor with four workers",
        breaks=submit_poison,
        must=("WorkerLosses invoice.post", "DlqGrowing invoice.post"),
        may={"WorkerLosses *": "jobs of other types were lost with the same workers"},
        crews=(4,),
    ),
    Incident(
        name="retry storm",
        told="what sends e-mail hangs up on every call",
        breaks=break_email,
        mends=ease,
        must=("RetryStorm email.send", "FailureRatioHigh email.send", "DlqGrowing email.send"),
        may={
            "OldestParkedJobTooOld email.send": "a retry in its back-off holds its customer",
            "ThroughputCollapsed email.send": "none completes, and some wait behind those",
        },
    ),
    Incident(
        name="slow dependency",
        told="what sends e-mail takes twenty minutes instead of three seconds",
        breaks=slow_email_down,
        mends=ease,
        must=(
            "ThroughputCollapsed email.send",
            "OldestReadyJobTooOld email.send",
            "WaitSloFastBurn email.send",
            "WorkersSaturated email.send",
        ),
        may={
            "WorkersSaturated *": "e-mails have all the slots",
            "OldestReadyJobTooOld *": "e-mails have all the slots, so that others wait, too",
            "WaitSloFastBurn *": "as the oldest job",
            "WaitSloSlowBurn *": "as the fast one",
            "WorkersStalled *": "of a type with few jobs none starts at all",
            "OldestParkedJobTooOld *": "jobs behind those that wait, wait as well",
        },
    ),
    Incident(
        name="backlog",
        told="three thousand rows to import arrive at once",
        breaks=import_many_rows,
        must=("OldestReadyJobTooOld row.import", "WaitSloFastBurn row.import", "WorkersSaturated row.import"),
        may={
            "WaitSloSlowBurn row.import": "as the fast one",
            "OldestParkedJobTooOld *": "a customer's jobs wait behind one of its rows",
        },
    ),
    Incident(
        name="hot entity",
        told="a hundred and fifty rows to import arrive for one customer",
        breaks=import_for_one_customer,
        must=("OldestParkedJobTooOld row.import",),
        may={"OldestParkedJobTooOld *": "all jobs of that customer wait in one mailbox"},
    ),
    Incident(
        name="frozen worker",
        told="one of two workers is stopped (SIGSTOP) for longer than its lease, and goes on later",
        breaks=freeze_a_worker,
        mends=thaw,
        must=("WorkerLosses report.render",),
        after=("StaleSettlements report.render",),
        may={
            "WorkerLosses *": "the worker ran jobs of other types, too",
            "StaleSettlements *": "their results come too late, as well",
        },
    ),
    Incident(
        name="frozen endpoint",
        told="`jobledger serve` is stopped (SIGSTOP), so that no scrape is answered",
        breaks=freeze_the_endpoint,
        mends=thaw_the_endpoint,
        must=("BooksStale",),
    ),
)
