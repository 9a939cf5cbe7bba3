"""Variations of one pass of the network that the dialog offers to click on. Standard library only."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Suggestion:
    """Options to click on; the temperature 0 is the model's own."""

    title: str
    temperature: float
    strength: float
    warmth: float

    @property
    def options(self) -> dict[str, object]:
        """The worker's, by name."""
        values = asdict(self) | {"temperature": self.temperature or None}
        return {name: values[name] for name in SUGGESTED}


SUGGESTED = ("temperature", "strength", "warmth")
SUGGESTIONS = (
    Suggestion("Cautious", 1.0, 0.6, 0.0),
    Suggestion("Natural", 0.0, 1.0, 0.0),
    Suggestion("Vivid", 0.0, 1.4, 0.0),
    Suggestion("Warmer", 0.0, 1.0, 0.6),
    Suggestion("Colder", 0.0, 1.0, -0.6),
)
