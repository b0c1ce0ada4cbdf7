"""Token buckets."""

from hypothesis import given
from hypothesis import strategies as st

from ingest.limit import Limiter, Rate

NOW = 1_764_000_000_000


def spend(limiter: Limiter, key: bytes, events: int, now: int) -> bool:
    if limiter.wait(key, events, now):
        return False
    limiter.take(key, events, now)
    return True


def test_a_burst_passes_and_then_the_rate() -> None:
    """S10: over its rate."""
    limiter = Limiter(Rate(100, 1000))
    assert sum(spend(limiter, b"a", 1, NOW) for _ in range(1100)) == 1000
    assert limiter.wait(b"a", 50, NOW) == 0.5
    assert sum(spend(limiter, b"a", 1, NOW + 1000) for _ in range(200)) == 100
    assert sum(spend(limiter, b"a", 1, NOW + 60_000) for _ in range(1100)) == 1000


def test_a_bucket_emptied_under_a_clock_ahead_fills_from_now_on() -> None:
    limiter = Limiter(Rate(100, 1000))
    assert spend(limiter, b"a", 1000, NOW + 90_000_000)
    assert limiter.wait(b"a", 1, NOW) == 0.01
    assert spend(limiter, b"a", 100, NOW + 1000)


def test_others_are_unaffected() -> None:
    """S10: others unaffected."""
    limiter = Limiter(Rate(1, 1))
    assert spend(limiter, b"a", 1, NOW)
    assert not spend(limiter, b"a", 1, NOW)
    assert spend(limiter, b"b", 1, NOW)


def test_zero_is_off() -> None:
    limiter = Limiter(Rate(0, 0))
    assert all(spend(limiter, b"a", 100, NOW) for _ in range(100))
    assert len(limiter) == 0


def test_more_than_a_burst_can_pass_after_a_rest() -> None:
    limiter = Limiter(Rate(1, 10))
    assert spend(limiter, b"a", 100, NOW)
    assert not spend(limiter, b"a", 100, NOW + 9_000)
    assert spend(limiter, b"a", 100, NOW + 10_000)


def test_memory_is_bounded_at_a_million_addresses() -> None:
    """S9: the limiter's memory is bounded at 1 M addresses."""
    limiter = Limiter(Rate(100, 1000), keys=1000)
    for number in range(1_000_000):
        limiter.take(number.to_bytes(4, "big"), 1, NOW)
    assert len(limiter) <= 1000


def test_a_million_addresses_do_not_free_the_one_that_keeps_pushing() -> None:
    """S9, S10: whoever stays over the rate is not forgotten for the sake of newcomers."""
    limiter = Limiter(Rate(1, 10), keys=100)
    passed = 0
    for number in range(10_000):
        passed += spend(limiter, b"pusher", 1, NOW)
        if number % 10 == 0:
            spend(limiter, number.to_bytes(4, "big"), 1, NOW)
    assert passed <= 20


def test_full_buckets_are_forgotten() -> None:
    limiter = Limiter(Rate(100, 1000))
    for number in range(1000):
        limiter.take(number.to_bytes(4, "big"), 1, NOW)
    for number in range(1000):
        limiter.take(b"later" + number.to_bytes(4, "big"), 1, NOW + 60_000 + number * 20)
    assert len(limiter) < 100


@given(st.lists(st.tuples(st.integers(1, 20), st.integers(-5000, 5000)), max_size=60))
def test_never_more_than_burst_and_rate_together(spends: list[tuple[int, int]]) -> None:
    """Whatever the clock does, no window passes more than a burst plus its rate, and no wait exceeds a full refill."""
    limiter = Limiter(Rate(10, 20))
    now = latest = NOW
    passed = 0
    for events, step in spends:
        now += step
        latest = max(latest, now)
        wait = limiter.wait(b"a", events, now)
        assert 0 <= wait <= 2.001
        if not wait and step >= 0:
            limiter.take(b"a", events, now)
            passed += events
    travelled = sum(abs(step) for _, step in spends) / 1000
    assert passed <= 20 + 10 * travelled + 1e-6
