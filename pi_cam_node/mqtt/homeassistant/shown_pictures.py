"""Pictures for Home Assistant's image entities: each is sent once, not retained, with a separate availability.

Home Assistant sets the time of an image to the arrival of any message on its topic. The retained pictures are emptied
in privacy, restored afterwards and repeated after each connect, which would count as new pictures. So the entities have
their own topics: in privacy, and before the first picture, they are unavailable; afterwards the picture held by Home
Assistant is available again with its old time. It is not served meanwhile: see `components`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pi_cam_node.base.clock import Clock
from pi_cam_node.base.schedule import NEVER_S
from pi_cam_node.config.sections.privacy import PRIVACY_KEY
from pi_cam_node.core.activity_events import EventPictured, NoEventPictured
from pi_cam_node.core.events import Event, MediaDeleted, PictureReloaded, PictureSaved, SettingChanged
from pi_cam_node.core.inputs import BrokerConnected, HomeAssistantStarted
from pi_cam_node.mqtt.announcer import ECHO_S
from pi_cam_node.mqtt.link import BrokerLink
from pi_cam_node.mqtt.messages.message import JPEG, Message
from pi_cam_node.mqtt.messages.topics import Topics

# A picture sent this shortly before a connection broke may be lost.
UNSURE_S = 10.0
# Delay before a message that was refused for lack of room is retried.
RETRY_S = 5.0


class ShownPicture:
    """Picture of one image entity, and whether Home Assistant has it.

    Args:
        topic: Topic of the pictures.
        availability: Topic of the availability.
        private: Whether privacy is on.
    """

    def __init__(self, topic: str, availability: str, *, private: bool) -> None:
        self._topic, self._availability = topic, availability
        self._id, self._image = "", b""
        # Whether Home Assistant has the picture; None: if an earlier run of the node sent it.
        self._is_held: bool | None = True if private else None
        self._sent_s = float("-inf")

    def show(self, picture_id: str, image: bytes | None) -> None:
        """Set a new picture; ``None``: do not send it."""
        self._id, self._image, self._is_held = picture_id, image or b"", False

    def show_again(self, picture_id: str, image: bytes | None) -> None:
        """Set a picture that was saved earlier; not sent again if Home Assistant has it."""
        if self._id and self._id != picture_id:
            self._is_held = False
        self._id, self._image = picture_id, image or b""

    def remove(self, picture_id: str) -> None:
        """Drop a picture that was deleted."""
        if picture_id == self._id:
            self.drop()

    def drop(self) -> None:
        """Have no picture to show."""
        self._id, self._image, self._is_held = "", b"", False

    def hide(self) -> None:
        """Drop the bytes in privacy; Home Assistant keeps its copy without serving it."""
        self._image = b""
        if self._is_held is None:
            self._is_held = bool(self._id)

    def home_assistant_started(self) -> None:
        """Record that Home Assistant has no picture any more."""
        self._is_held = False

    def doubt(self, now_s: float) -> None:
        """Record the end of a connection, after which the last picture may be lost."""
        if self._is_held and now_s - self._sent_s < UNSURE_S:
            self._is_held = False

    def messages(self, packet_limit_bytes: int | None) -> list[Message]:
        """Return the messages to send, in order.

        Args:
            packet_limit_bytes: Largest packet that the broker takes; ``None`` for no known limit.
        """
        if self._is_held is None:
            return []
        picture = Message(self._topic, self._image, content_type=JPEG)
        fits = packet_limit_bytes is None or picture.size_bytes <= packet_limit_bytes
        is_there = bool(self._image) and (self._is_held or fits)
        told = Message(self._availability, b"online" if is_there else b"offline")
        return [picture, told] if is_there and not self._is_held else [told]

    def sent(self, messages: Sequence[Message], now_s: float) -> None:
        """Note that `messages` were sent."""
        if any(message.topic == self._topic for message in messages):
            self._is_held, self._sent_s = True, now_s


class ShownPictures:
    """Keeps both image entities up to date. Used by the node thread.

    Args:
        topics: The node's topics.
        link: Connection to the broker.
        clock: Tells the time.
        private: Whether the node starts in privacy.

    Attributes:
        due_s: When pending messages are to be sent.
    """

    def __init__(self, topics: Topics, link: BrokerLink, clock: Clock, *, private: bool) -> None:
        self._link, self._clock = link, clock
        self._last = ShownPicture(topics.shown_picture, topics.available(topics.shown_picture), private=private)
        self._event = ShownPicture(topics.shown_event, topics.available(topics.shown_event), private=private)
        self._all = (self._last, self._event)
        # Time from which Home Assistant has subscribed to the pictures' topics.
        self._listens_s = float("-inf")
        self.due_s = NEVER_S

    def on_event(self, event: Event) -> None:
        """Send changes; later if the broker is offline."""
        match event:
            case PictureSaved(id=picture_id, image=image):
                self._last.show(picture_id, image)
            case PictureReloaded(picture=None):
                self._last.drop()
            case PictureReloaded(picture=PictureSaved() as saved):
                self._last.show_again(saved.id, saved.image)
            case NoEventPictured():
                self._event.drop()
            case SettingChanged(key="mqtt.image_max_bytes", value=0):
                for each in self._all:
                    each.drop()
            case EventPictured(event=row, image=image, reloaded=reloaded):
                (self._event.show_again if reloaded else self._event.show)(row.picture_id or row.id, image)
            case MediaDeleted(id=media_id):
                for each in self._all:
                    each.remove(media_id)
            case SettingChanged(key=key, value=True) if key == PRIVACY_KEY:
                for each in self._all:
                    each.hide()
            case SettingChanged(key=key) if key == PRIVACY_KEY:
                self._listens_s = self._clock.monotonic() + ECHO_S
            case HomeAssistantStarted() | BrokerConnected():
                self._connected(event)
                return
            case _:
                return
        now_s = self._clock.monotonic()
        if now_s < self._listens_s:
            self.due_s = self._listens_s
        else:
            self.on_time(now_s)

    def _connected(self, event: HomeAssistantStarted | BrokerConnected) -> None:
        """Send everything again, once the birth messages are sent and Home Assistant has subscribed."""
        now_s = self._clock.monotonic()
        for each in self._all:
            if isinstance(event, HomeAssistantStarted):
                each.home_assistant_started()
            else:
                each.doubt(now_s)
        self.due_s = now_s + ECHO_S

    def on_time(self, now_s: float) -> None:
        """Send what Home Assistant may lack; after the next connection if the broker is offline."""
        self.due_s = NEVER_S
        if not self._link.is_connected:
            return
        for each in self._all:
            # All of them, in this order, so that an entity becomes available after its picture.
            messages = each.messages(self._link.packet_limit_bytes)
            if all(map(self._link.publish, messages)):
                each.sent(messages, now_s)
            else:
                self.due_s = now_s + RETRY_S
