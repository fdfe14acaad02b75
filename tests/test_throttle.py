"""Rate limits: the limiter against a plain model, and what it remembers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exempla.errors import RateLimited, StartupError
from exempla.settings import Rate
from exempla.throttle import SECOND, WRONG_KEYS, Limiter, Throttle


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


@pytest.mark.parametrize(
    ("text", "rate"),
    [("100/second", Rate(100, 1)), (" 5/minute ", Rate(5, 60)), ("9/hour", Rate(9, 3_600))],
)
def test_a_rate_is_read(text: str, rate: Rate) -> None:
    assert Rate.parse(text) == rate


@pytest.mark.parametrize("text", ["", "100", "0/second", "-1/second", "1/day", "1.5/second", "1/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(StartupError, match="100/second"):
        Rate.parse(text)


@given(
    number=st.integers(1, 7),
    seconds=st.sampled_from([1, 60, 3_600]),
    steps=st.lists(st.integers(0, 3 * SECOND), min_size=1, max_size=60),
)
def test_a_limiter_is_a_bucket_that_fills_evenly(
    number: int, seconds: int, steps: list[int]
) -> None:
    clock = Clock()
    limiter = Limiter(Rate(number, seconds), now=clock)
    each = seconds * SECOND // number
    level = number * each  # of a bucket that holds `number`, in parts of a request
    for step in steps:
        clock.now += step
        level = min(level + step, number * each)
        passes = level >= each
        level -= each * passes
        remaining, reset, wait = limiter.take("one")
        assert (wait == 0) == passes
        assert remaining == level // each
        assert reset == -(-(number * each - level) // SECOND)
        if wait:
            assert wait == -(-(each - level) // SECOND)


def test_after_the_wait_it_lets_through() -> None:
    clock = Clock()
    limiter = Limiter(Rate(3, 60), now=clock)
    assert [limiter.take("one").wait for _ in range(4)] == [0, 0, 0, 20]
    assert limiter.take("another").wait == 0
    clock.now += 20 * SECOND
    assert [limiter.take("one").wait for _ in range(2)] == [0, 20]


def test_it_remembers_no_more_than_it_may() -> None:
    limiter = Limiter(Rate(1, 3_600), names=100)
    for name in range(1_000):
        assert limiter.take(name).wait == 0
        assert len(limiter) <= 100
    assert limiter.take(999).wait > 0
    for name in range(1_000):  # those that are refused are remembered too
        limiter.take(name % 150)
        assert len(limiter) <= 100


def test_wrong_keys_are_counted_for_each_address() -> None:
    throttle = Throttle()
    for _ in range(WRONG_KEYS.number):
        throttle.wrong_key("192.0.2.1")
        throttle.wrong_key("2001:db8::1")
    for same in ("192.0.2.1", "::ffff:192.0.2.1", "2001:db8::ffff"):
        with pytest.raises(RateLimited) as caught:
            throttle.wrong_key(same)
        assert 1 <= int(caught.value.headers["Retry-After"]) <= WRONG_KEYS.seconds
    throttle.wrong_key("192.0.2.2")
    throttle.wrong_key("2001:db8:0:1::1")
