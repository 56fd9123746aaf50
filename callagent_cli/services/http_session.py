"""The HTTP edge: one request in, one answer out, or one sorted error. The only home of requests.

No redirects, no retries, no environment (proxies, .netrc), TLS always verified, a deadline over
the whole exchange and a bound on the body. Invariant: no exception that leaves here holds a
header, a URL, a body or a phone number.
"""

import json as json_module
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
)

from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import (
    AmbiguousError,
    RefusalKind,
    ServiceError,
    ServiceRefused,
    TransientError,
)
from callagent_cli.services.watchdog import Watchdog

MAX_BODY_BYTES = 1_000_000
TOO_LARGE = "too_large"  # code of the error for an answer that was not read to its end
_CHUNK = 16_384
_NEVER_SENT = (NewConnectionError, NameResolutionError, ConnectTimeoutError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `total_s` bounds the exchange from connecting to the body's last byte."""

    connect_s: float = 5.0
    read_s: float = 90.0
    total_s: float = 120.0

    def within(self, other: "Timeouts") -> "Timeouts":
        """The shorter of each."""
        return Timeouts(
            min(self.connect_s, other.connect_s),
            min(self.read_s, other.read_s),
            min(self.total_s, other.total_s),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names have no case
    body: bytes
    elapsed_s: float

    def json(self) -> object:
        """The body as JSON; ValueError for anything that is not, however it is not."""
        try:
            return json_module.loads(self.body, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


class HttpSession:
    """Talks to one service.

    headers: sent with each request; may hold a secret.
    adapter: a requests adapter that stands in for the network, whose time is the clock's.
    most_bytes: of an answer's body, unpacked.
    """

    def __init__(
        self,
        service: str,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        clock: Clock,
        adapter: object | None = None,
        most_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.service, self._most_bytes = service, most_bytes
        self._base_url, self._headers = base_url.rstrip("/"), dict(headers)
        self._timeouts, self._clock = timeouts, clock
        self._stand_in = cast("BaseAdapter | None", adapter)
        self._own, self._watchdog = threading.local(), Watchdog()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        is_repeatable: bool,
        timeouts: Timeouts | None = None,
    ) -> Answer:
        """Make one request, with `json` or with `body` as it is.

        is_repeatable: a read, or a write that may be made twice. Its failures are transient.
        Otherwise the request gets a connection of its own, and a failure that does not show
        that nothing was sent is ambiguous.

        Raises TransientError, AmbiguousError or ServiceRefused (TLS); answers of any status
        are returned for the caller to sort.
        """
        limits = timeouts.within(self._timeouts) if timeouts else self._timeouts
        began_s = self._clock.monotonic()
        with self._exchange(is_repeatable=is_repeatable) as (session, watch):
            try:
                with watch.bound(limits.total_s):
                    response = session.request(
                        method,
                        f"{self._base_url}{path}",
                        params=params,
                        json=json,
                        data=body,
                        headers={**self._headers, **(headers or {})},
                        timeout=(limits.connect_s, limits.read_s),
                        allow_redirects=False,
                        stream=True,
                    )
                    received = _read(response, self._most_bytes)
            except (requests.RequestException, OSError, ValueError) as error:
                raise self._sort(error, watch, is_repeatable=is_repeatable) from None
        elapsed_s = self._clock.monotonic() - began_s
        return Answer(response.status_code, response.headers, received, elapsed_s)

    @contextmanager
    def _exchange(self, *, is_repeatable: bool) -> "Iterator[tuple[requests.Session, _Watch]]":
        """The thread's own kept-alive session for reads; a fresh connection for the rest: a
        stale one would make a lost dial out of a harmless disconnect."""
        if is_repeatable:
            if not hasattr(self._own, "session"):
                self._own.session, self._own.watch = self._new_session()
            yield self._own.session, self._own.watch
            return
        session, watch = self._new_session()
        try:
            yield session, watch
        finally:
            session.close()

    def _new_session(self) -> "tuple[requests.Session, _Watch]":
        session = requests.Session()
        watch = _Watch(self._watchdog, is_needed=self._stand_in is None)
        session.trust_env = False
        adapter = self._stand_in or _WatchedAdapter(watch)
        session.mount("https://", adapter)
        session.mount("http://", adapter)  # the settings allow it for loopback only
        return session, watch

    def _sort(self, error: Exception, watch: "_Watch", *, is_repeatable: bool) -> ServiceError:
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return ServiceRefused(
                self.service,
                f"the base_url of {self.service} is not usable",
                kind=RefusalKind.CONFIG,
                hint=f"correct services.{self.service}.base_url",
            )
        if isinstance(error, requests.exceptions.SSLError) and not watch.was_connected:
            return self._tls(error)
        what = "no answer in time" if watch.has_expired else _WORDS.get(type(error), "answer lost")
        if is_unsent(error):
            return TransientError(
                self.service, f"{self.service} cannot be reached: {_unsent(error)}"
            )
        if is_repeatable:
            code = TOO_LARGE if isinstance(error, BodyTooLarge) else ""
            return TransientError(self.service, f"{self.service}: {what}", code=code)
        return AmbiguousError(self.service, f"{what}: the request may have been carried out")

    def _tls(self, error: Exception) -> ServiceError:
        """The handshake failed, so nothing was sent."""
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ServiceRefused(
                self.service,
                f"the certificate of {self.service} is not valid",
                kind=RefusalKind.CONFIG,
                hint="check services.*.base_url, the clock, and who answers on this network",
            )
        return TransientError(self.service, f"{self.service} cannot be reached: TLS failed")


_WORDS: Mapping[type[Exception], str] = {
    requests.exceptions.ReadTimeout: "no answer in time",
    requests.exceptions.ConnectionError: "the connection dropped",
    requests.exceptions.ChunkedEncodingError: "the answer was cut off",
    requests.exceptions.ContentDecodingError: "the answer could not be unpacked",
}


class BodyTooLarge(ValueError):
    """More than may be taken, unpacked."""


def _read(response: requests.Response, most_bytes: int) -> bytes:
    body = bytearray()
    try:
        # decoded piece by piece: a small answer that unpacks into gigabytes stops here
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            _check_size(len(body), most_bytes)
        _check_length(response, len(body))
    except BodyTooLarge:
        response.close()
        raise
    return bytes(body)


def _check_size(received: int, most_bytes: int) -> None:
    if received > most_bytes:
        raise BodyTooLarge("the answer is too large")


def _check_length(response: requests.Response, received: int) -> None:
    """requests hands over a cut body without a word."""
    announced = response.headers.get("Content-Length", "")
    is_plain = "Content-Encoding" not in response.headers
    if is_plain and announced.isdigit() and received < int(announced):
        raise requests.exceptions.ChunkedEncodingError("cut off")


def is_unsent(error: Exception) -> bool:
    """Whether the exception proves that the request never left."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return True
    reason = _reason(error)
    return isinstance(reason, _NEVER_SENT)


def _reason(error: Exception) -> object:
    inner = error.args[0] if error.args else None
    return inner.reason if isinstance(inner, MaxRetryError) else inner


def _unsent(error: Exception) -> str:
    match _reason(error):
        case NameResolutionError():
            return "its name cannot be resolved"
        case NewConnectionError():  # before its parent
            return "the connection was refused"
        case ConnectTimeoutError():
            return "no connection in time"
        case _:
            return "no connection"


class _Watch:
    """Cuts the line when the whole exchange takes too long.

    `timeout=` of requests bounds each read; a server that drips bytes outlasts any number of
    them. Only closing the socket from outside ends that.
    """

    def __init__(self, watchdog: Watchdog, *, is_needed: bool) -> None:
        self._watchdog = watchdog
        self._is_needed = is_needed  # a stand-in has no socket, and no real time
        self.sockets: list[socket.socket] = []
        self.has_expired = False
        self.was_connected = False

    @contextmanager
    def bound(self, total_s: float) -> Iterator[None]:
        self.has_expired, self.was_connected = False, False
        if not self._is_needed:
            yield
            return
        with self._watchdog.ending(total_s, self._cut):
            yield

    def _cut(self) -> None:
        self.has_expired = True
        for line in self.sockets:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # already closed


class _WatchedAdapter(HTTPAdapter):
    """Shows the watch each socket that is connected."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch
        super().__init__(max_retries=0, pool_maxsize=1)

    def get_connection_with_tls_context(
        self, *args: object, **kwargs: object
    ) -> HTTPConnectionPool:
        pool = super().get_connection_with_tls_context(*args, **kwargs)  # type: ignore[arg-type]
        if not hasattr(pool, "is_watched"):
            pool.is_watched = True  # type: ignore[attr-defined]  # a mark of ours
            _watch_pool(cast("HTTPConnectionPool", pool), self._watch)
        return cast("HTTPConnectionPool", pool)


def _watch_pool(pool: HTTPConnectionPool, watch: _Watch) -> None:
    plain = pool.ConnectionCls

    class Watched(plain):  # type: ignore[misc, valid-type]  # the pool's own class
        def connect(self) -> None:
            super().connect()
            watch.sockets[:] = [self.sock]
            watch.was_connected = True

    pool.ConnectionCls = Watched
