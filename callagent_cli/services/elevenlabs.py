"""ElevenLabs: places calls, reads conversations, checks the agent. One request a method, but for
`find` and `preflight`."""

from collections.abc import Collection, Mapping
from datetime import datetime
from urllib.parse import quote

from callagent_cli.domain.call import (
    CannotTell,
    Conversation,
    Found,
    Lookup,
    NotFound,
    Placed,
    Script,
    Ticket,
)
from callagent_cli.domain.clock import Clock
from callagent_cli.domain.errors import (
    ContactError,
    ServiceError,
    ServiceRefused,
    ThrottledError,
    TransientError,
)
from callagent_cli.domain.health import Finding, Health, HealthStatus
from callagent_cli.services.elevenlabs_answers import (
    SERVICE,
    as_mapping,
    error_of,
    read_date,
    read_dial,
)
from callagent_cli.services.elevenlabs_conversations import read_conversation
from callagent_cli.services.elevenlabs_credits import Credits, read_credits
from callagent_cli.services.elevenlabs_preflight import check_agent, check_number, max_call_s
from callagent_cli.services.http_session import HttpSession, Timeouts

_PATHS = {
    "twilio": "/v1/convai/twilio/outbound-call",
    "sip_trunk": "/v1/convai/sip-trunk/outbound-call",
}
_QUICK = Timeouts(connect_s=5.0, read_s=8.0, total_s=10.0)  # for probes
_READ = Timeouts(connect_s=5.0, read_s=30.0, total_s=40.0)
_BEFORE_S = 60  # a conversation may be dated a little before our own note of it
_PAGE, _MOST_PAGES, _MOST_CANDIDATES = 100, 20, 50


class ElevenLabs:
    """A ports.Dialer and a ports.Prober."""

    service = SERVICE

    def __init__(
        self,
        session: HttpSession,
        *,
        agent_id: str,
        agent_phone_number_id: str,
        telephony: str,
        ringing_timeout_s: float,
        clock: Clock,
    ) -> None:
        self._session, self._clock = session, clock
        self._agent_id, self._number_id = agent_id, agent_phone_number_id
        self._telephony, self._ringing_timeout_s = telephony, ringing_timeout_s
        self.max_call_s = 1800.0  # until the agent's own limit is read

    def place(self, ticket: Ticket, script: Script) -> Placed:
        """Send the one POST of an attempt; see ports.Dialer for what it raises."""
        attempt_id = ticket.attempt_id
        answer = self._session.send(
            "POST",
            _PATHS[self._telephony],
            json={
                "agent_id": self._agent_id,
                "agent_phone_number_id": self._number_id,
                "to_number": ticket.phone,
                "conversation_initiation_client_data": {
                    "user_id": attempt_id,
                    "dynamic_variables": {
                        **script.variables,
                        "callagent_attempt_id": attempt_id,
                    },
                },
                "telephony_call_config": {"ringing_timeout_secs": int(self._ringing_timeout_s)},
            },
            is_repeatable=False,
        )
        return read_dial(answer, self._clock.now())

    def read(self, conversation_id: str) -> Conversation:
        body = self._get(f"/v1/convai/conversations/{quote(conversation_id, safe='')}")
        return read_conversation(
            as_mapping(body),
            now=self._clock.now(),
            ringing_timeout_s=self._ringing_timeout_s,
            max_call_s=self.max_call_s,
        )

    def find(self, ticket: Ticket) -> Lookup:
        """Conversations that carry the attempt's id. A backend that does not know the filter
        returns all of them, so each candidate is read and its own id compared."""
        ids = self._candidates(ticket)
        if ids is None:
            return CannotTell("the provider's list is too long to be read to its end")
        found = tuple(
            conversation_id
            for conversation_id in ids
            if self.read(conversation_id).attempt_id == ticket.attempt_id
        )
        return Found(found) if found else NotFound()

    def _candidates(self, ticket: Ticket) -> list[str] | None:
        """Ids from all pages; None when there are more than can be read one by one."""
        query: dict[str, str | int] = {
            "agent_id": self._agent_id,
            "user_id": ticket.attempt_id,
            "call_start_after_unix": int(ticket.started_at.timestamp()) - _BEFORE_S,
            "page_size": _PAGE,
        }
        ids: list[str] = []
        for _ in range(_MOST_PAGES):
            page = as_mapping(self._get("/v1/convai/conversations", query))
            listed = page.get("conversations")
            if not isinstance(listed, list):
                raise TransientError(SERVICE, "a list of conversations without conversations")
            ids += [str(as_mapping(item).get("conversation_id")) for item in listed]
            if len(ids) > _MOST_CANDIDATES:
                return None
            if not page.get("has_more"):
                return list(dict.fromkeys(ids))
            query["cursor"] = str(page.get("next_cursor"))
        return None

    def preflight(self, columns: Collection[str] | None) -> list[Finding]:
        """columns: None where nobody knows yet which variables the calls will bring."""
        try:
            agent = as_mapping(self._get(f"/v1/convai/agents/{quote(self._agent_id, safe='')}"))
        except ContactError as error:
            return [_unknown_agent(error)]
        self.max_call_s = max_call_s(agent) or self.max_call_s
        numbers = self._get("/v1/convai/phone-numbers")
        return check_agent(agent, columns) + check_number(
            numbers, self._number_id, self._telephony
        )

    def credits(self) -> Credits | None:
        """What the account may still spend; None where the answer does not say. Needs the key's
        scope `user_read`. Raises ServiceError."""
        return read_credits(as_mapping(self._get("/v1/user/subscription", limits=_QUICK)))

    def their_time(self) -> datetime | None:
        """The provider's clock, to the second: every answer tells it, a refusal too. Raises
        ServiceError when there is no answer."""
        path = f"/v1/convai/agents/{quote(self._agent_id, safe='')}"
        answer = self._session.send("GET", path, is_repeatable=True, timeouts=_QUICK)
        return read_date(answer.headers)

    def probe(self) -> Health:
        """Read the agent: the same host, key, region and service as a dial. One request."""
        began_s = self._clock.monotonic()
        try:
            agent = as_mapping(
                self._get(f"/v1/convai/agents/{quote(self._agent_id, safe='')}", limits=_QUICK)
            )
        except ServiceError as error:
            return self._ill(error, began_s)
        if as_mapping(agent.get("platform_settings")).get("archived") is True:
            text, remedy = "the agent is archived", "restore it or use another agent_id"
            return self._health(HealthStatus.MISCONFIGURED, began_s, text, remedy)
        self.max_call_s = max_call_s(agent) or self.max_call_s
        return self._health(HealthStatus.OK, began_s, "key, region and agent are in order")

    def _ill(self, error: ServiceError, began_s: float) -> Health:
        match error:
            case ServiceRefused():
                return self._health(HealthStatus.MISCONFIGURED, began_s, error.message, error.hint)
            case ContactError():
                finding = _unknown_agent(error)
                return self._health(HealthStatus.MISCONFIGURED, began_s, finding.what, finding.fix)
            case ThrottledError() | TransientError(http_status=429):
                text = "reachable and the key is good, but it asks us to slow down"
                return self._health(HealthStatus.DEGRADED, began_s, text)
            case _:
                remedy = "nothing to do here: callagent waits and goes on by itself"
                return self._health(HealthStatus.DOWN, began_s, error.message, remedy)

    def _health(
        self, status: HealthStatus, began_s: float, detail: str, remedy: str = ""
    ) -> Health:
        latency_ms = (self._clock.monotonic() - began_s) * 1000
        return Health(SERVICE, status, self._clock.now(), round(latency_ms, 1), detail, remedy)

    def _get(
        self,
        path: str,
        query: Mapping[str, str | int] | None = None,
        limits: Timeouts = _READ,
    ) -> object:
        answer = self._session.send("GET", path, params=query, is_repeatable=True, timeouts=limits)
        if not 200 <= answer.status < 300:
            raise error_of(answer, is_dial=False, now=self._clock.now())
        try:
            return answer.json()
        except ValueError:
            raise TransientError(
                SERVICE, "an answer that is not JSON", http_status=answer.status
            ) from None


def _unknown_agent(error: ContactError) -> Finding:
    return Finding(
        is_blocking=True,
        what=f"the agent is not known to this key ({error.message})",
        fix="check services.elevenlabs.agent_id, and that the key is of its workspace and region",
    )
