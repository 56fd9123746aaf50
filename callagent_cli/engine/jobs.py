"""Jobs out of the queue and into hands. The only home of Procrastinate.

A job is `attend(campaign, position)`. What it finds there, and whether anybody is called, is the
ledger's business; the engine carries which contact, where and when. It is handed out to one
worker at a time, again when that worker dies, and is gone when it was attended to.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from callagent_cli.domain.errors import LedgerError

if TYPE_CHECKING:
    from procrastinate import App

HEARTBEAT_S = 5.0
SILENT_S = 20.0  # without a heartbeat: the worker is dead, its jobs are anybody's
_POLL_S = 1.0  # for jobs whose time has come; new ones are told at once
_LOOK_S = 1.0  # whether the server is still there

Attend = Callable[[str, int], None]


class Engine:
    """One process's hands. `run` is the body of a thread of its own."""

    def __init__(
        self,
        url: str,
        schema: str,
        *,
        hands: int,
        wire: Mapping[str, str],
        attend: Attend,
        campaigns: Sequence[str] | None = None,
        on_lost: Callable[[], None] = lambda: None,
        on_begun: Callable[[int], None] = lambda _: None,
    ) -> None:
        """hands: jobs at the same time. wire: how a connection that is cut is noticed. campaigns:
        None for all. on_lost: told when the server does not answer; what is in hand is then to
        be put down. on_begun: told this worker's number in the engine's tables."""
        logging.getLogger("procrastinate").setLevel(logging.CRITICAL)  # we tell what matters
        self._hands, self._campaigns, self._on_lost = hands, campaigns, on_lost
        self._stop = threading.Event()
        self._app = _app(url, schema, wire)
        self._tell_number(on_begun)
        self._app.task(name="attend")(_attending(attend))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def _tell_number(self, on_begun: Callable[[int], None]) -> None:
        manager = self._app.job_manager
        register = manager.register_worker

        async def registered() -> int:
            number = await register()
            on_begun(number)
            return number

        manager.register_worker = registered  # type: ignore[method-assign]

    def run(self) -> None:
        """Hand out jobs until stopped, and wait for those in hand. Raises LedgerError when the
        server is gone."""
        try:
            asyncio.run(self._serve())
        except _gone() as error:
            if not self._stop.is_set():
                raise LedgerError(
                    f"the queue cannot be used: {type(error).__name__}",
                    hint="see that the server answers (`pg_isready`)",
                ) from None

    def stop(self) -> None:
        """No new job; `run` returns when those in hand are done. From any thread."""
        self._stop.set()
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_not_ours)
        # tasks that are no coroutines run in the loop's executor: a hand each
        self._loop.set_default_executor(
            ThreadPoolExecutor(self._hands + 2, thread_name_prefix="hand")
        )
        async with self._app.open_async():
            self._task = asyncio.create_task(self._work())
            watch = asyncio.create_task(self._watch())
            if self._stop.is_set():
                self._task.cancel()
            try:
                await self._task
            except asyncio.CancelledError:
                if not self._stop.is_set():
                    raise
            finally:
                watch.cancel()
        if not self._stop.is_set():
            self._on_lost()
            raise ConnectionError("the engine ended by itself")

    async def _work(self) -> None:
        await self._app.run_worker_async(
            queues=self._campaigns,  # type: ignore[arg-type]  # None is all, says its own documentation
            concurrency=self._hands,
            install_signal_handlers=False,
            delete_jobs="always",
            fetch_job_polling_interval=_POLL_S,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=SILENT_S,
        )

    async def _watch(self) -> None:
        """A server that is gone ends the engine only when all hands are empty: say so at once."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await asyncio.wait_for(self._app.check_connection_async(), 10 * _LOOK_S)
            except _gone():
                self._on_lost()
                return


def _gone() -> tuple[type[Exception], ...]:
    """What a server that is gone looks like. The extra `fleet` brings what is imported here."""
    from procrastinate.exceptions import ProcrastinateException
    from psycopg import Error

    return (ProcrastinateException, Error, OSError, asyncio.TimeoutError)


def _not_ours(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """A job that was taken from a sleeping worker, or a server that is gone: whoever gets the job
    next asks the ledger, and the loss of the server is told by `_watch`."""


def _attending(attend: Attend) -> Callable[[str, int], None]:
    def task(campaign: str, position: int) -> None:
        attend(campaign, position)

    return task


def _app(url: str, schema: str, wire: Mapping[str, str]) -> "App":
    from procrastinate import App, PsycopgConnector

    connector = PsycopgConnector(
        conninfo=url.replace("postgresql+psycopg://", "postgresql://", 1),
        kwargs={
            "options": f"-c search_path={schema}",
            "application_name": "callagent-engine",
            **wire,
        },
        min_size=1,
        max_size=4,
        timeout=10.0,
    )
    return App(connector=connector)
