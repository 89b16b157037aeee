"""Processing steps of a picture in the camera's process, and their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from pi_cam_node.base.errors import SourceError
from pi_cam_node.camera.source import Opened, Shot
from pi_cam_node.camera.worker.messages import Deliver, Image, Output
from pi_cam_node.camera.worker.picture_maker import PictureMaker, shape_of
from pi_cam_node.imaging.frame import Demand, Layout, Sensor
from pi_cam_node.imaging.jpeg import Pixels, decode, to_bgr, to_i420
from pi_cam_node.imaging.orientation import Orientation
from pi_cam_node.imaging.packet import Packet, PacketFacts

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
TOP = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))


def maker(layout: Layout = "bgr", **changes: Any) -> PictureMaker:
    fields: dict[str, Any] = {"orientation": Orientation(), "masks": (), "output": Output(95), **changes}
    return PictureMaker(Opened("test", (64, 48), layout, controls=True), **fields)


def shot(pixels: Pixels | None = None, exposed_s: float = 10.0) -> Shot:
    grey = np.full((48, 64, 3), 120, np.uint8) if pixels is None else pixels
    return Shot(grey, exposed_s, exposed_s + 0.01, "day", Sensor(10_000, 2.0))


def seen(image: Image) -> Pixels:
    return decode(image.jpeg)


def test_the_facts_of_the_shot_stay() -> None:
    image = maker().make(shot())
    assert (image.exposed_mono_s, image.captured_mono_s, image.mode) == (10.0, 10.01, "day")
    assert image.sensor == Sensor(10_000, 2.0)
    assert image.quality == 95
    assert image.brightness == pytest.approx(120, abs=0.5)
    assert (image.ring_jpeg, image.jpegs, image.raw) == (None, {}, None)


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_masked_pixels_are_black_everywhere_and_do_not_count_for_brightness(layout: Layout) -> None:
    pixels = np.full((48, 64, 3) if layout == "bgr" else (72, 64), 120, np.uint8)
    made = maker(layout, masks=[LEFT], output=Output(95, (32, 24)))
    made.deliver(Deliver(0.0, Demand(50, raw=True)))
    image = made.make(shot(pixels))
    assert image.brightness == pytest.approx(120, abs=0.5)
    assert image.ring_jpeg is not None
    assert image.raw is not None
    for picture, left in ((seen(image), 28), (decode(image.jpegs[50]), 28), (decode(image.ring_jpeg), 14)):
        assert picture[:, :left].max() <= 16
        assert picture[:, -left:].min() >= 90
    raw = np.frombuffer(image.raw, np.uint8).reshape(shape_of((64, 48), layout))
    assert raw[:48, :30].max() == 0
    assert (pixels == 120).all(), "the source's own pixels are not drawn on"


def test_masks_are_drawn_on_the_turned_picture() -> None:
    made = maker(orientation=Orientation(90), masks=[TOP])
    assert made.opened.size == (48, 64)
    picture = seen(made.make(shot()))
    assert picture.shape == (64, 48, 3)
    assert picture[:28].max() <= 12
    assert picture[36:].min() >= 100


def test_another_encoder_makes_every_jpeg_and_gets_masked_pictures_only() -> None:
    class BoardEncoder:
        """Stands for the encoder of a board, which does not exist here."""

        given: ClassVar[list[Pixels]] = []

        def encode(self, pixels: Pixels, layout: Layout, quality: int) -> bytes:
            self.given.append(to_bgr(pixels, layout))
            return bytes([quality])

    made = maker(masks=[LEFT], output=Output(95, (32, 24)), encoder=BoardEncoder())
    made.deliver(Deliver(0.0, Demand(50, raw=False)))
    image = made.make(shot())
    assert (image.jpeg, image.ring_jpeg, image.jpegs) == (b"\x5f", b"\x5f", {50: b"\x32"})
    assert [picture[:, : picture.shape[1] // 2 - 2].max() for picture in BoardEncoder.given] == [0, 0, 0]


def test_what_is_all_masked_may_stand_still_and_is_dark() -> None:
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    made = maker(masks=[everything])
    assert not made.opened.live
    assert maker().opened.live
    assert made.make(shot()).brightness == 0.0


def test_the_label_is_in_the_picture_and_changes_neither_brightness_nor_checksum() -> None:
    plain, labelled = maker(), maker(output=Output(95, None, "{name} {time}", "porch"))
    first, second = plain.make(shot()), labelled.make(shot())
    assert (first.brightness, first.checksum) == (second.brightness, second.checksum)
    assert np.abs(seen(first).astype(int) - seen(second)).max() > 50


def test_the_label_covers_what_a_mask_does_not_uncover() -> None:
    """The label is drawn on the masked picture: where both are, nothing of the scene is seen."""
    bright = np.full((48, 64, 3), 255, np.uint8)
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    image = maker(masks=[everything], output=Output(95, None, "x", "")).make(shot(bright))
    dark = maker(masks=[everything], output=Output(95, None, "x", "")).make(shot(np.zeros_like(bright)))
    assert np.array_equal(seen(image), seen(dark))


def test_the_camera_s_packets_leave_only_where_its_pictures_do_so_unchanged() -> None:
    packets = (Packet(10.0, True, b"packet", PacketFacts(0)),)
    plain = replace(shot(), packets=packets)
    whole_left = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    assert maker().make(plain).packets == packets
    assert maker(masks=[whole_left]).make(plain).packets == ()
    for orientation in (Orientation(180), Orientation(hflip=True), Orientation(vflip=True)):
        assert maker(orientation=orientation).make(plain).packets == ()
    labelled = maker(output=Output(label="{time}"))
    assert labelled.make(plain).packets == ()
    labelled.configure(Output())
    assert labelled.make(plain).packets == packets


def test_an_output_that_changes_holds_from_the_next_picture_on() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    made = maker(output=Output(95))
    large = made.make(shot(noise))
    made.configure(Output(40, (32, 24)))
    small = made.make(shot(noise))
    assert (small.quality, len(small.jpeg) < len(large.jpeg) / 2) == (40, True)
    assert small.ring_jpeg is not None
    assert decode(small.ring_jpeg).shape == (24, 32, 3)


def test_a_demand_is_met_once_by_the_first_picture_exposed_after_it() -> None:
    made = maker()
    made.deliver(Deliver(10.0, Demand(92, raw=False)))
    made.deliver(Deliver(12.0, Demand(95, raw=True)))
    assert made.make(shot(exposed_s=9.99)).jpegs == {}
    first = made.make(shot(exposed_s=10.0))
    assert (set(first.jpegs), first.raw) == ({92}, None)
    second = made.make(shot(exposed_s=12.5))
    assert (second.jpegs, second.raw is not None) == ({}, True), "95 is the quality that it has anyway"
    third = made.make(shot(exposed_s=13.0))
    assert (third.jpegs, third.raw) == ({}, None)


def planes_of(image: Image) -> Pixels:
    """Return what an encoder of video sees, as B, G, R."""
    assert image.planes is not None
    width, height = image.planes.size
    return to_bgr(np.frombuffer(image.planes.data, np.uint8).reshape(height * 3 // 2, width), "i420")


@pytest.mark.parametrize("layout", ["bgr", "i420"])
@pytest.mark.parametrize("ring_size", [None, (32, 24)])
def test_planes_show_what_the_ring_s_jpeg_shows(layout: Layout, ring_size: tuple[int, int] | None) -> None:
    """Turned, masked, labelled, small where the ring is; the colours are those of a JPEG, of full range."""
    down, across = np.mgrid[0:48, 0:64]
    colours = np.dstack([across * 4, 255 - down * 5, np.full((48, 64), 200)]).astype(np.uint8)
    pixels = colours if layout == "bgr" else to_i420(colours)
    output = Output(98, ring_size, "{name}", "x")
    made = maker(layout, orientation=Orientation(180), masks=[LEFT], output=output)
    made.share(planes=True)
    image = made.make(shot(pixels))
    assert image.planes is not None
    assert image.planes.size == (ring_size or (64, 48))
    shown, jpeg = planes_of(image), decode(image.ring_jpeg or image.jpeg)
    assert shown.shape == jpeg.shape
    off = np.abs(shown.astype(int) - jpeg)
    assert off.mean() < 4
    assert np.abs(shown.astype(int).mean(axis=(0, 1)) - jpeg.mean(axis=(0, 1))).max() < 1.5
    assert shown[:, : shown.shape[1] // 2 - 2][: shown.shape[0] // 3].max() == 0, "masked"
    made.share(planes=False)
    assert made.make(shot(pixels)).planes is None


@pytest.mark.parametrize("layout", ["bgr", "i420"])
@pytest.mark.parametrize("ring_size", [None, (160, 120)])
@pytest.mark.parametrize(
    "orientation", [Orientation(), Orientation(90), Orientation(hflip=True), Orientation(vflip=True)]
)
def test_planes_have_the_label_and_are_turned(
    layout: Layout, ring_size: tuple[int, int] | None, orientation: Orientation
) -> None:
    colours = np.zeros((240, 320, 3), np.uint8)
    colours[:60, :80] = 255  # a corner, by which a turned picture is known
    opened, size = Opened("test", (320, 240), layout, controls=True), ring_size
    if size is not None and orientation.rotation == 90:
        size = size[::-1]
    made = PictureMaker(opened, orientation, (), Output(98, size, "{name} {name}", "XXXXXXXX"))
    bare = PictureMaker(opened, orientation, (), Output(98, size))
    pixels, images = colours if layout == "bgr" else to_i420(colours), list[Image]()
    for each in (made, bare):
        each.share(planes=True)
        images.append(each.make(shot(pixels)))
    labelled, plain = map(planes_of, images)
    assert np.abs(labelled.astype(int) - decode(images[0].ring_jpeg or images[0].jpeg)).mean() < 4
    assert (np.abs(labelled.astype(int) - plain) > 60).sum() > 20, "the label"
    turned = orientation.apply(colours, "bgr")
    step = turned.shape[0] // plain.shape[0]
    assert np.abs(plain.astype(int) - turned[::step, ::step]).mean() < 4


def test_without_an_encoder_there_are_no_planes_and_of_an_odd_size_never() -> None:
    assert maker("i420").make(shot(np.zeros((72, 64), np.uint8))).planes is None
    odd = PictureMaker(Opened("test", (63, 48), "bgr", controls=True), Orientation(), (), Output(95))
    odd.share(planes=True)
    image = odd.make(shot(np.full((48, 63, 3), 120, np.uint8)))
    assert image.planes is None
    assert seen(image).shape == (48, 63, 3)


def test_pixels_on_demand_stay_in_their_layout_beside_planes() -> None:
    made = maker("bgr")
    made.share(planes=True)
    made.deliver(Deliver(0.0, Demand(None, raw=True)))
    image = made.make(shot())
    assert image.raw == shot().pixels.tobytes()
    assert image.planes is not None


def test_a_preview_is_small_and_masked_and_comes_once() -> None:
    pixels = np.full((480, 800, 3), 120, np.uint8)
    opened = Opened("test", (800, 480), "bgr", controls=True)
    made = PictureMaker(opened, Orientation(), [LEFT], Output(95))
    made.deliver(Deliver(0.0, Demand(None, False, 100_000)))
    made.deliver(Deliver(0.0, Demand(None, False, 9_000)))
    preview = made.make(shot(pixels)).preview
    assert preview is not None
    assert len(preview) <= 9_000
    picture = decode(preview)
    assert picture.shape == (240, 400, 3), "halved until it is no wider than 640"
    assert picture[:, :180].max() <= 16
    assert made.make(shot(pixels)).preview is None


@pytest.mark.parametrize("layout", ["bgr", "i420"])
def test_a_preview_is_the_same_picture_in_either_layout(layout: Layout) -> None:
    pixels = np.full((48, 64, 3) if layout == "bgr" else (72, 64), 120, np.uint8)
    made = maker(layout, masks=[LEFT])
    made.deliver(Deliver(0.0, Demand(None, False, 100_000, 32)))
    small = decode(made.make(shot(pixels)).preview or b"")
    assert small.shape == (24, 32, 3)
    assert (small[:, :14].max() <= 16, small[:, 18:].min() >= 90) == (True, True)


def test_a_repeated_demand_is_met_at_its_interval_until_another_one_replaces_it() -> None:
    made = maker()

    def met(*exposed_s: float) -> list[float]:
        return [at for at in exposed_s if made.make(shot(exposed_s=at)).raw is not None]

    made.deliver(Deliver(10.0, Demand(None, raw=True, times=3, every_s=1.0)))
    assert met(9.9, 10.0, 10.5, 10.99, 11.5, 11.9, 12.0, 13.5, 15.0) == [10.0, 10.99, 12.0]
    made.deliver(Deliver(20.0, Demand(None, raw=True, times=100, every_s=1.0)))
    assert met(20.0, 20.5) == [20.0]
    made.deliver(Deliver(20.6, Demand(None, raw=True)))
    made.deliver(Deliver(20.6, Demand(None, raw=True, times=2, every_s=3.0)))
    assert met(20.6, 21.0, 22.0, 23.7, 27.0) == [20.6, 23.7]


def test_a_preview_that_is_too_large_yet_is_made_smaller() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    made = maker()
    made.deliver(Deliver(0.0, Demand(None, False, 100_000, 64)))
    made.deliver(Deliver(11.0, Demand(None, False, 900, 64)))
    assert len(made.make(shot(noise)).preview or b"") > 900
    assert 0 < len(made.make(shot(noise, exposed_s=12.0)).preview or b"") <= 900


def test_pending_are_bounded() -> None:
    made = maker()
    for number in range(1000):
        made.deliver(Deliver(100.0 + number, Demand(30 + number % 60, raw=False)))
    assert len(made._pending) == 64
    assert made._pending[-1].after_mono_s == 1099.0


@pytest.mark.parametrize(
    "pixels", [np.zeros((48, 62, 3), np.uint8), np.zeros((72, 64), np.uint8), np.zeros((48, 64, 3), np.float32)]
)
def test_what_was_not_announced_is_refused(pixels: Any) -> None:
    with pytest.raises(SourceError, match="came instead of uint8"):
        maker().make(shot(pixels))


@pytest.mark.parametrize(
    ("size", "layout"), [((0, 48), "bgr"), ((64, -2), "bgr"), ((63, 48), "i420"), ((99_999, 2), "bgr")]
)
def test_sizes_that_no_picture_has_are_refused(size: tuple[int, int], layout: Layout) -> None:
    with pytest.raises(ValueError, match="picture"):
        shape_of(size, layout)
