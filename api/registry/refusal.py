"""What the registry says of a change that it does not make."""

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["invalid", "forbidden", "absent", "conflict"]


class Refusal(Exception):
    """Nothing was changed. The message is for people; `field`: of what was given, the one at fault, if one is."""

    def __init__(self, kind: Kind, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.field = field
