"""Mounts the world on a `requests` session: every line of the product above it is the real one,
and no socket is opened."""

import io
from collections.abc import Mapping

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ProtocolError
from urllib3.response import HTTPResponse

from callagent_cli.domain.clock import Clock
from callagent_cli.simulator.exchange import Answering, AnswerLost, WorldAnswer, WorldRequest

_Timeout = float | tuple[float, float] | tuple[float, None] | None
_PATIENCE_S = 90.0  # for a request without a timeout of its own


class WorldAdapter(BaseAdapter):
    """Answers each request from the world; an answer that is lost or late takes the read timeout,
    on the clock, and ends as the same exception that a real socket would raise."""

    def __init__(self, world: Answering, clock: Clock) -> None:
        super().__init__()
        self._world, self._clock = world, clock

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - the signature of requests
        timeout: _Timeout = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002
        cert: str | bytes | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        del stream, verify, cert, proxies
        body = request.body or b""
        asked = WorldRequest(
            method=request.method or "GET",
            url=request.url or "",
            headers=CaseInsensitiveDict(request.headers),
            body=body.encode() if isinstance(body, str) else bytes(body),
        )
        try:
            answer = self._world.handle(asked)
        except AnswerLost as lost:
            if lost.is_reset:
                reset = ConnectionResetError(104, "Connection reset by peer")
                aborted = ProtocolError("Connection aborted.", reset)
                raise requests.ConnectionError(aborted, request=request) from None
            raise self._timed_out(request, timeout) from None
        if answer.delay_s >= _read_timeout_s(timeout):
            raise self._timed_out(request, timeout)
        self._wait(answer.delay_s)
        return _response(answer, request)

    def _timed_out(
        self, request: requests.PreparedRequest, timeout: _Timeout
    ) -> requests.ReadTimeout:
        self._wait(_read_timeout_s(timeout))
        return requests.ReadTimeout("Read timed out.", request=request)

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._clock.signal().wait(seconds)

    def close(self) -> None:
        """Nothing is open."""


def session_of(world: Answering, clock: Clock) -> requests.Session:
    """For a client that makes its requests itself, as gspread does."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", WorldAdapter(world, clock))
    session.mount("http://", WorldAdapter(world, clock))
    return session


def _read_timeout_s(timeout: _Timeout) -> float:
    read_s = timeout[1] if isinstance(timeout, tuple) else timeout
    return read_s if read_s is not None else _PATIENCE_S


def _response(answer: WorldAnswer, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    response.url, response.request = request.url or "", request
    response.raw = HTTPResponse(
        body=io.BytesIO(answer.body),
        headers=dict(answer.headers),
        status=answer.status,
        preload_content=False,
    )
    return response
