"""What went wrong, as one sentence for the operator."""


def sentence(error: Exception) -> str | None:
    """The sentence for an error that an operator can mend; None for a bug, which deserves its traceback."""
    from redis.exceptions import RedisError

    from api.registry.refusal import Refusal
    from api.registry.store import RegistryUnavailable
    from deploy.folder import StackError
    from deploy.reason import reason, store
    from deploy.settings import SettingError
    from ingest.log.dead import TooManyDeadLetters
    from ingest.log.protocol import LogTruncated, LogUnavailable
    from rollups.client import ClickHouseUnavailable
    from rollups.control import ClaimLost, Unfinished
    from rollups.decided import Running, TwoDecided
    from rollups.migrate import SchemaRefused
    from workers.aside import Refused

    told = (
        *(StackError, SettingError, Refusal, RegistryUnavailable, ClaimLost, Unfinished, SchemaRefused, LogTruncated),
        *(Refused, Running, TwoDecided, TooManyDeadLetters),
    )
    text = " ".join(str(error).split())
    if isinstance(error, told):
        return text
    if isinstance(error, ClickHouseUnavailable | LogUnavailable | RedisError):
        return f"{store(error)[0]} cannot be used: {reason(error)}"
    if isinstance(error, OSError) and error.filename is not None:  # a full disk, a folder without rights
        return f"cannot use {error.filename}: {error.strerror}"
    return None
