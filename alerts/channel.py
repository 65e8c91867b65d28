"""The protocol of everything that carries a notice to a person."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from alerts.notice import Notice


@runtime_checkable
class Channel(Protocol):
    """Carries notices."""

    def send(self, notice: Notice) -> None:
        """Hand the notice over; coming back without an error means that the other side took responsibility.

        Raises:
            DeliveryError: it was not taken; ``permanent`` says whether trying again is useless.
        """
        ...


@runtime_checkable
class Knocker(Protocol):
    """Can be tried without a notice."""

    def knock(self) -> str:
        """Go as far as one can without sending anything; where that led, in words.

        Raises:
            DeliveryError: a notice could not be handed over now.
        """
        ...
