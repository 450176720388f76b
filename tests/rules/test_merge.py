"""Both sides edited one appointment (rule P8, decision 0003)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icloud_sync.rules.merge import GROUPS, Merge, merge

BASE = {"title": "a", "start": "s", "end": "e", "location": "l", "notes": "n"}
WORDS = ("title", "location", "notes")


@pytest.mark.parametrize("name", WORDS)
def test_an_edit_made_on_the_phone_only_is_taken(name: str) -> None:
    assert merge(base=BASE, local=BASE, remote=BASE | {name: "new"}) == Merge(take={name: "new"})


@pytest.mark.parametrize("name", WORDS)
def test_an_edit_made_here_only_stays(name: str) -> None:
    assert merge(base=BASE, local=BASE | {name: "new"}, remote=BASE) == Merge()


@pytest.mark.parametrize("name", WORDS)
def test_on_the_same_field_leadmagicx_wins_and_the_other_value_is_kept(name: str) -> None:
    result = merge(base=BASE, local=BASE | {name: "ours"}, remote=BASE | {name: "theirs"})
    assert result == Merge(lost={name: "theirs"})


@pytest.mark.parametrize("name", WORDS)
def test_the_same_edit_on_both_sides_is_nobodys_loss(name: str) -> None:
    assert merge(base=BASE, local=BASE | {name: "new"}, remote=BASE | {name: "new"}) == Merge()


def test_start_and_end_are_one_field() -> None:
    only_end = merge(base=BASE, local=BASE, remote=BASE | {"end": "later"})
    assert only_end == Merge(take={"start": "s", "end": "later"})
    crossed = merge(base=BASE, local=BASE | {"start": "earlier"}, remote=BASE | {"end": "later"})
    assert crossed == Merge(lost={"start": "s", "end": "later"})


def test_different_fields_are_merged() -> None:
    local, remote = BASE | {"start": "s2", "end": "e2"}, BASE | {"title": "b", "notes": "m"}
    assert merge(base=BASE, local=local, remote=remote) == Merge(take={"title": "b", "notes": "m"})


def test_a_field_left_out_was_not_edited() -> None:
    assert merge(base=BASE, local=BASE, remote={}) == Merge()
    assert merge(base=BASE, local={}, remote=BASE | {"title": "b"}) == Merge(take={"title": "b"})


def test_a_field_the_base_does_not_know_was_empty() -> None:
    assert merge(base={}, local={"notes": ""}, remote={"notes": ""}) == Merge()
    assert merge(base={}, local={"notes": ""}, remote={"notes": "x"}) == Merge(take={"notes": "x"})
    assert merge(base={}, local={"notes": "y"}, remote={"notes": "x"}) == Merge(lost={"notes": "x"})


def test_half_a_time_takes_only_what_was_said() -> None:
    assert merge(base=BASE, local=BASE, remote={"start": "s2"}) == Merge(take={"start": "s2"})


values = st.sampled_from(["a", "b", "c"])
sides = st.fixed_dictionaries(dict.fromkeys(BASE, values))


@given(base=sides, local=sides, remote=sides)
def test_whatever_both_sides_did_nothing_gets_lost_without_a_trace(
    base: dict[str, str], local: dict[str, str], remote: dict[str, str]
) -> None:
    result = merge(base=base, local=local, remote=remote)
    merged = local | result.take
    for group in GROUPS:
        ours, theirs = (any(side[name] != base[name] for name in group) for side in (local, remote))
        for name in group:
            assert (name in result.take) + (name in result.lost) <= 1
            if ours or not theirs:
                assert merged[name] == local[name]
            else:
                assert merged[name] == remote[name]
            if ours and theirs and any(local[n] != remote[n] for n in group):
                assert result.lost[name] == remote[name]
