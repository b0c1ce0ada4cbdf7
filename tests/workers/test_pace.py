"""What was slow is given more time and less to do."""

from workers.pace import most, patience


def test_patience_doubles_with_each_failure_and_ends_somewhere() -> None:
    assert [patience(failures) for failures in (0, 1, 2, 5, 6, 100)] == [20, 40, 80, 640, 640, 640]


def test_the_batch_after_a_slow_one_is_half_as_large() -> None:
    assert most(5_000, 5.1, 5_000) == 2_500
    assert most(5_000, None, 5_000) == 2_500
    assert most(150, 6, 5_000) == 100
    assert most(100, None, 5_000) == 100


def test_it_grows_again_with_fast_ones_up_to_the_limit() -> None:
    assert most(1_250, 0.9, 5_000) == 2_500
    assert most(4_000, 0.9, 5_000) == 5_000
    assert most(1_250, 1.5, 5_000) == 1_250


def test_a_limit_below_the_least_stands() -> None:
    assert most(50, None, 50) == 50
    assert most(50, 0.1, 50) == 50
