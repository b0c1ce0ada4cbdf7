"""Batches come in rounds; what was slow is given more time and less to do."""

from ingest.log.protocol import Record
from workers.pace import Rounds, few, most, patience


def test_patience_doubles_with_each_failure_and_ends_somewhere() -> None:
    assert [patience(failures) for failures in (0, 1, 2, 5, 6, 100)] == [20, 40, 80, 640, 640, 640]


def test_the_batch_after_a_slow_one_is_half_as_large() -> None:
    assert most(5_000, 10.1, 5_000) == 2_500
    assert most(5_000, None, 5_000) == 2_500
    assert most(150, 11, 5_000) == 100
    assert most(100, None, 5_000) == 100


def test_it_grows_again_with_fast_ones_up_to_the_limit() -> None:
    assert most(1_250, 4.9, 5_000) == 2_500
    assert most(4_000, 4.9, 5_000) == 5_000
    assert most(1_250, 5.1, 5_000) == 1_250


def test_a_limit_below_the_least_stands() -> None:
    assert most(50, None, 50) == 50
    assert most(50, 0.1, 50) == 50


def test_a_round_begins_a_moment_after_the_first_line_and_a_second_after_a_round_of_many() -> None:
    rounds = Rounds(1.0)
    assert not rounds.open(10.0, True, 1)
    assert rounds.rest(10.0) == 0.25
    assert rounds.open(10.25, True, 300)
    assert rounds.rest(10.25) == 0.0  # nothing waits
    assert not rounds.open(10.5, True, 1)
    assert rounds.rest(10.5) == 0.75
    assert rounds.open(11.25, True, 300)


def test_after_a_round_of_few_lines_the_next_is_two_seconds_later() -> None:
    rounds = Rounds(1.0)
    assert not rounds.open(10.0, True, 1)
    assert rounds.open(10.25, True, 299)
    assert not rounds.open(10.5, True, 1)
    assert rounds.rest(10.5) == 1.75
    assert not rounds.open(12.0, True, 5_000)
    assert rounds.open(12.25, True, 5_000)
    assert not rounds.open(12.5, True, 1)
    assert rounds.rest(12.5) == 0.75


def test_it_waits_for_the_rest_of_what_the_log_has() -> None:
    rounds = Rounds(1.0)
    assert not rounds.open(10.0, False, 1)
    assert rounds.rest(10.0) == 0.0
    assert not rounds.open(12.0, False, 1)
    assert rounds.open(12.1, True, 1)


def test_few_is_by_number_and_by_size() -> None:
    assert few([])
    assert few([Record(0, n, b"x") for n in range(9)])
    assert not few([Record(0, n, b"x") for n in range(10)])
    assert not few([Record(0, 0, bytes(256 * 1024))])
