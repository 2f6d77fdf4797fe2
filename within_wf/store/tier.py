"""What a store asks of a second store behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from within_wf.store.claims import Claim
    from within_wf.store.local import Store
    from within_wf.store.manifest import File


class Tier(Protocol):
    """A second store behind this one (`within_wf.store.remote`)."""

    def pull(self, store: Store, action_key: str) -> bool:
        """Bring an artifact in; whether it was there."""

    def pull_blob(self, store: Store, file: File) -> bool:
        """Bring one blob in; whether it was there."""

    def push(self, store: Store, action_key: str) -> None:
        """Send an artifact, later; never raises."""

    def derived(self, derivation_key: str) -> str | None:
        """The action key of a derivation."""

    def derive(self, derivation_key: str, action_key: str) -> None:
        """Send a derivation, later; never raises."""

    def claim(
        self, action_key: str, label: str, needs: Sequence[str], say: Callable[[str], None], lease: float
    ) -> AbstractContextManager[Claim]:
        """Claim an action among all who share the tier."""

    def flush(self) -> None:
        """Wait until everything was sent."""
