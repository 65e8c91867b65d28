"""What can go wrong between a verdict and an inbox."""

from __future__ import annotations


class AlertError(Exception):
    """A matter could not be judged, routed or told; the text never holds a post."""


class PolicyError(AlertError):
    """A pack is refused; ``problems`` name pack, rule and key, one line each."""

    def __init__(self, pack: str, problems: tuple[str, ...]) -> None:
        super().__init__(f"policy pack {pack!r} is refused:\n" + "\n".join(f"  {line}" for line in problems))
        self.pack = pack
        self.problems = problems


class UnknownNameError(AlertError):
    """A pack, concern or role that nobody knows; ``known`` lists the valid ones."""

    def __init__(self, what: str, name: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{what} {name!r} is unknown; known are {', '.join(known)}")
        self.what = what
        self.name = name
        self.known = known


class DeliveryError(AlertError):
    """A notice was not accepted; ``permanent`` says that trying the same receiver again is useless."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent
