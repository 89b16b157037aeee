"""Exemption of objects from garbage collection, and the limit of a process."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest
from pytest_mock import MockerFixture

from pi_cam_node.base.malloc import keep_for_next_picture, limit_private_memory, release_startup_memory


class Camera:
    """Refers to itself in a circle, as picamera2's objects do."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_exempt_afterwards() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_camera_that_was_closed_is_collected_when_the_next_one_has_got_going() -> None:
    camera = Camera()
    release_startup_memory()
    assert gc.get_freeze_count() > 0
    closed = weakref.ref(camera)
    del camera
    gc.collect()
    assert closed() is not None, "it is exempt"
    release_startup_memory()
    assert closed() is None
    assert gc.get_freeze_count() > 0


def test_buffers_of_one_picture_serve_the_next_without_page_faults() -> None:
    script = (
        "import resource\n"
        "from pi_cam_node.base import malloc\n"
        "malloc.keep_for_next_picture(8 << 20)\n"
        "def picture(): return [bytes(300_000) for _ in range(3)]\n"
        "for _ in range(5): picture()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(20): picture()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert int(run.stdout) < 40, "by itself glibc causes some 200 for each"


def test_large_blocks_leave_no_gaps_between_small_ones_that_stay() -> None:
    script = (
        "from pi_cam_node.base import malloc\n"
        "malloc.limit_fragmentation()\n"
        "def used_kib():\n"
        "    return next(int(line.split()[1]) for line in open('/proc/self/status') if line.startswith('RssAnon'))\n"
        "freed = bytes(2_000_000)\n"
        "del freed  # by itself glibc takes such blocks from the heap from now on\n"
        "before, kept = used_kib(), []\n"
        "for _ in range(100):\n"
        "    kept.append((bytearray(b'x') * 400_000, bytearray(2000)))\n"
        "small = [pair[1] for pair in kept]\n"
        "del kept\n"
        "print(used_kib() - before)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert int(run.stdout) < 4000, "by itself glibc keeps some 39,000"


def test_a_library_that_refuses_the_one_threshold_is_left_as_it_was(mocker: MockerFixture) -> None:
    library = mocker.Mock()
    library.mallopt.return_value = 0
    mocker.patch("ctypes.CDLL", return_value=library)
    keep_for_next_picture(8 << 20)
    assert [call.args for call in library.mallopt.call_args_list] == [(-3, 8 << 20)]


@pytest.mark.parametrize(
    ("set_mib", "pages_mib", "limit_mib"),
    [(-1, 4096, 768), (-1, 1000, 500), (-1, 400, 384), (4096, 4096, 768), (300, 4096, 300)],
)
def test_a_process_is_limited_by_its_machine_and_keeps_a_lower_limit(
    mocker: MockerFixture, set_mib: int, pages_mib: int, limit_mib: int
) -> None:
    limits = {"soft": set_mib if set_mib < 0 else set_mib << 20}
    mocker.patch("resource.getrlimit", side_effect=lambda _which: (limits["soft"], -1))
    mocker.patch("resource.setrlimit", side_effect=lambda _which, told: limits.update(soft=told[0]))
    mocker.patch("os.sysconf", side_effect={"SC_PHYS_PAGES": pages_mib, "SC_PAGE_SIZE": 1 << 20}.__getitem__)
    limit_private_memory(768 << 20)
    assert limits["soft"] == limit_mib << 20
