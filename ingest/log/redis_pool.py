"""How every Redis client of ours keeps its connections, and what our addresses say beyond redis-py's."""

from urllib.parse import parse_qsl, urlencode

from redis.maint_notifications import MaintNotificationsConfig

# On by default in redis-py 8.1: its pool then hands out connections whose server has closed them, and the first command
# on each of them fails after every restart of Redis.
NO_NOTIFICATIONS = MaintNotificationsConfig(enabled=False)

_NAMES = {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"}


def native(address: str) -> str:
    """The address as redis-py reads it: files of TLS are called `ca`, `cert` and `key` in all of ours."""
    place, question, query = address.partition("?")
    return place + question + urlencode([(_NAMES.get(name, name), value) for name, value in parse_qsl(query)])
