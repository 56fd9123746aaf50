"""Before the dial: who is this to the CRM, and what does the agent say?

Called by: campaign.runner, with a claim and before anything is committed to be sent. Nothing
here can stop a call: a CRM or a writer that is down, slow or talks nonsense is done without, and
`fallback.used` tells it.
"""

from dataclasses import dataclass

from callagent_cli.campaign.script import ScriptWriter, write_script
from callagent_cli.domain.call import Claim, Script
from callagent_cli.domain.clock import Clock, Signal
from callagent_cli.domain.contact import KnownPerson, mask_phone
from callagent_cli.domain.errors import ServiceError, ThrottledError
from callagent_cli.domain.event import Emit, EventName
from callagent_cli.domain.ports import Crm
from callagent_cli.resilience.guard import Guard

_QUIET_S = 10.0  # where a throttled answer does not say how long


@dataclass(frozen=True, slots=True)
class Prepared:
    script: Script
    crm_id: str = ""  # of the contact, where the CRM knows it

    @property
    def evidence(self) -> dict[str, object]:
        """Kept with the attempt: a later run may have to tell the CRM how it ended."""
        known: dict[str, object] = {"crm_id": self.crm_id} if self.crm_id else {}
        if self.script.is_degraded:
            known["is_degraded"] = True
        if self.script.cost_usd is not None:
            known["script_cost_usd"] = self.script.cost_usd
        return known


class CrmDesk:
    """The CRM as it is asked before a call: within `wait_s` seconds, or not at all. One that is
    asked too much is left alone for a while: its breaker does not count that."""

    def __init__(
        self, crm: Crm, guard: Guard, *, wait_s: float, clock: Clock, stop: Signal, emit: Emit
    ) -> None:
        self.crm, self.guard, self.wait_s = crm, guard, wait_s
        self.clock, self.stop, self.emit = clock, stop, emit
        self._throttled: ThrottledError | None = None
        self._quiet_until_s = 0.0

    def find(self, claim: Claim) -> tuple[KnownPerson | None, bool]:
        """Whom the CRM knows, and whether it could be asked. Raises Interrupted."""
        if self._throttled and self.clock.monotonic() < self._quiet_until_s:
            self._tell(claim, self._throttled)
            return None, False
        try:
            found = self.guard.call(
                lambda: self.crm.find(claim.contact),
                operation="find",
                deadline_s=self.wait_s,
                stop=self.stop,
                fields={"contact_id": claim.contact.id, "attempt_id": claim.attempt_id},
            )
        except ServiceError as error:
            if isinstance(error, ThrottledError):
                self._throttled = error
                quiet_s = error.retry_after_s or _QUIET_S
                self._quiet_until_s = self.clock.monotonic() + quiet_s
            self._tell(claim, error)
            return None, False
        return found, True

    def _tell(self, claim: Claim, error: ServiceError) -> None:
        snapshot = self.guard.snapshot()
        self.emit(
            EventName.FALLBACK_USED,
            service=self.crm.service,
            breaker_state=snapshot.breaker_state.value,
            retry_count=snapshot.retries,
            contact_id=claim.contact.id,
            phone=mask_phone(claim.contact.phone),
            attempt_id=claim.attempt_id,
            error=error.message,
            error_category=error.category.value,
            http_status=error.http_status,
            reason="called without what the CRM knows",
        )


@dataclass(frozen=True, slots=True)
class Preparation:
    """crm, writer: None where there is none."""

    crm: CrmDesk | None = None
    writer: ScriptWriter | None = None

    def of(self, claim: Claim) -> Prepared:
        """Raises Interrupted when the run is stopping."""
        known, was_asked = self.crm.find(claim) if self.crm else (None, True)
        script = write_script(
            claim.contact, known=known, writing=self.writer, is_crm_missing=not was_asked
        )
        return Prepared(script, crm_id=known.crm_id if known else "")
