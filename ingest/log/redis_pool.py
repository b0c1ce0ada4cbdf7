"""How every Redis client of ours keeps its connections."""

from redis.maint_notifications import MaintNotificationsConfig

# On by default in redis-py 8.1: its pool then hands out connections whose server has closed them, and the first command
# on each of them fails after every restart of Redis.
NO_NOTIFICATIONS = MaintNotificationsConfig(enabled=False)
