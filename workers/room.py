"""A worker begins nothing while the disks have no room for what it would write."""

from collections.abc import Callable


class NoRoom(Exception):
    """A disk has less than its reserve: look again in a moment."""


def demand(lacking: Callable[[], str]) -> None:
    """Raises NoRoom while `lacking` says what there is no room on."""
    if said := lacking():
        raise NoRoom(said)
