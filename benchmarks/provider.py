"""The provider's HTTP, as far as a happy call needs it, with a fixed delay before each answer.

A process of its own, so that its work is not counted: `python -m benchmarks.provider SECONDS`
prints its port and serves until its stdin ends.
"""

import asyncio
import itertools
import json
import sys
from functools import partial

_AGENT = {
    "agent_id": "agent_1",
    "conversation_config": {"agent": {"prompt": {"prompt": ""}}},
    "platform_settings": {},
}
_NUMBERS = [{"phone_number_id": "phnum_1", "provider": "twilio", "supports_outbound": True}]
_numbers = itertools.count(1)


def answer(method: str, path: str) -> object:
    if method == "POST":
        said = f"conv_{next(_numbers)}"
        return {"success": True, "message": "ok", "conversation_id": said, "callSid": "CA1"}
    if path.startswith("/v1/convai/conversations/"):
        return _ended(path.rpartition("/")[2])
    return _NUMBERS if path.startswith("/v1/convai/phone-numbers") else _AGENT


def _ended(conversation_id: str) -> dict[str, object]:
    return {
        "conversation_id": conversation_id,
        "status": "done",
        "metadata": {
            "start_time_unix_secs": 1_700_000_000,
            "accepted_time_unix_secs": 1_700_000_004,
            "call_duration_secs": 41,
            "cost": 310,
            "cost_fiat": 0.062,
            "phone_call": {"call_result": "answered"},
        },
        "transcript": [
            {"role": "agent", "message": "Good morning, is this a good time?"},
            {"role": "user", "message": "Yes, it is."},
        ],
        "analysis": {"transcript_summary": "Confirmed the appointment.", "call_successful": "ok"},
    }


class Line(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s, self._received = delay_s, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, mark, rest = self._received.partition(b"\r\n\r\n")
        if not mark or len(rest) < _length(head):
            return
        self._received = b""  # no client here sends a request before the last one's answer
        method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        body = json.dumps(answer(method, path)).encode()
        size = f"Content-Type: application/json\r\nContent-Length: {len(body)}"
        reply = f"HTTP/1.1 200 OK\r\n{size}\r\n\r\n".encode() + body
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._transport.write, reply)
        else:
            self._transport.write(reply)


def _length(head: bytes) -> int:
    _, _, after = head.lower().partition(b"content-length:")
    return int(after.split(b"\r\n", 1)[0] or 0)


async def serve(delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Line, delay_s), "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
