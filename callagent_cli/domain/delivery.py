"""What is owed to a system around the call, and who takes it there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message owed, as its destination gets it."""

    key: str  # stable, and unique for its destination: the same message twice has the same key
    payload: Mapping[str, object]  # JSON
    created_at: datetime  # aware UTC: when it became owed
    earlier_tries: int = 0  # that may have reached the destination, whatever came back


class Destination(Protocol):
    """A CRM, a sheet, an alert channel: it is handed deliveries in the order they became owed."""

    name: str  # also the name of its guard
    most_at_once: int  # deliveries that one request takes

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        """Hand over one to `most_at_once` deliveries, all or none.

        With `earlier_tries` a destination that can be asked is asked first, so that nothing is
        there twice. Raises only domain.errors.ServiceError: TransientError or ThrottledError
        when the same may be tried again at once; AmbiguousError when it may have been carried
        out, and a repeat must ask first; ContactError when this delivery will never be taken;
        ServiceRefused when none will, until a person acts.
        """
        ...
