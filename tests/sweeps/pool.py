"""Workers: each a process with a provider of its own, that forks runs of the product."""

import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from tests.sweeps import product
from tests.sweeps.stage import Oracle

T = TypeVar("T")
Job = Callable[[Path, Oracle, str], T]  # folder that does not exist yet, provider, API key


class _Worker:
    """What a worker process keeps between jobs."""

    oracle: Oracle
    folder: Path
    numbers: "itertools.count[int]"


def _begin(folder: Path) -> None:
    _Worker.oracle = Oracle()
    _Worker.folder = folder / f"worker-{os.getpid()}"
    _Worker.numbers = itertools.count(1)


def _do(job: Job[T]) -> T:
    number = next(_Worker.numbers)
    key = f"sk_canary_{os.getpid():07d}_{number:06d}"
    return job(_Worker.folder / f"{number:06d}", _Worker.oracle, key)


class Pool:
    """Runs jobs on all workers and hands the results out as they come."""

    def __init__(self, executor: ProcessPoolExecutor, workers: int, folder: Path) -> None:
        self._executor, self._workers = executor, workers
        self.folder = folder

    def each(self, jobs: Iterable[Job[T]]) -> Iterator[T]:
        """Take jobs, a few ahead, until the consumer has had enough of the results."""
        source = iter(jobs)
        under_way: set[Future[T]] = set()
        try:
            while True:
                for job in itertools.islice(source, self._workers * 2 - len(under_way)):
                    under_way.add(self._executor.submit(_do, job))
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            for future in under_way:
                future.cancel()


@contextmanager
def workers(count: int) -> Iterator[Pool]:
    """Import the product once, then fork the workers that will fork it in turn."""
    product.preload()
    sys.stdout.flush()
    folder = Path(tempfile.mkdtemp(prefix="callagent-sweep-"))
    with ProcessPoolExecutor(
        count, mp_context=get_context("fork"), initializer=_begin, initargs=(folder,)
    ) as executor:
        yield Pool(executor, count, folder)
    for left in sorted(folder.glob("**/*"), reverse=True):
        if left.is_dir() and not any(left.iterdir()):
            left.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()
