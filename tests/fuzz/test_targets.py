"""Inputs of earlier findings and a few hundred random inputs for each fuzzing target."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds_of, words
from tests.fuzz.targets import TARGETS, checked

CORPUS = Path(__file__).parent / "corpus"
FOUND = sorted(path.relative_to(CORPUS) for path in CORPUS.glob("*/*"))
# Far more than any input needs, also on a busy machine; an endless one would not end at all.
LONGEST_S = 20.0
INPUTS = 60


@st.composite
def spoilt(draw: st.DrawFn, name: str) -> bytes:
    """Return a seed with something cut out, doubled, put in or turned over."""
    data = bytearray(draw(st.sampled_from(seeds_of(name))))
    for _ in range(draw(st.integers(0, 3))):
        at, end = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        piece = draw(st.sampled_from(words()) | st.binary(max_size=8) | st.just(bytes(data[at:end]) * 2))
        data[at : draw(st.sampled_from([at, end]))] = piece
    return bytes(data)


@pytest.mark.parametrize("found", FOUND, ids=str)
def test_what_was_found_is_mended(found: Path) -> None:
    began_s = time.monotonic()
    checked(TARGETS[found.parts[0]], (CORPUS / found).read_bytes())
    assert time.monotonic() - began_s < LONGEST_S


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_takes_what_it_is_made_for(name: str) -> None:
    for seed in seeds_of(name):
        checked(TARGETS[name], seed)


@pytest.mark.parametrize("name", TARGETS)
@settings(
    max_examples=INPUTS,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_every_target_takes_anything(name: str, data: st.DataObject) -> None:
    checked(TARGETS[name], data.draw(spoilt(name)))
