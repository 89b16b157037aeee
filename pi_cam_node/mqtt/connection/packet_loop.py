"""Reads and writes the packets of a connection: one thread reads, and whichever thread publishes writes at once.

paho-mqtt's own loop leaves all writing to one thread, which has to be woken for each message; a reply would leave two
changes of threads later.
"""

from __future__ import annotations

import os
import select
import ssl
import threading
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from pi_cam_node.mqtt.connection import transport

# Larger messages are left to the loop's thread: to copy them, and to encrypt them under TLS, takes time.
AT_ONCE_BYTES = 16 << 10
# The peer sends no more, or the connection is broken; what it has sent before can still be read.
_ENDING = select.POLLRDHUP | select.POLLHUP | select.POLLERR | select.POLLNVAL


class PacketLoop:
    """The packets of one connection. The socket never blocks, so neither does anything in here but the wait of `turn`.

    Args:
        client: With `on_socket_register_write` set, so that it leaves the writing to its owner.
    """

    def __init__(self, client: paho.Client) -> None:
        self._client = client
        self._sock: Any = None
        self._descriptor = self._wakeup = -1
        # Held by the thread that reads, writes or closes: neither a packet in parts nor OpenSSL stands two at a time.
        self._turn = threading.Lock()
        self._arrival, self._ending = select.poll(), select.poll()
        self._is_open = self._left_to_loop = False
        self._error: Exception | None = None

    def open(self) -> None:
        """Begin; the client is connected. Thread: the session's."""
        self._sock = self._client.socket()
        self._descriptor = self._sock.fileno()
        self._ending.register(self._descriptor, select.POLLRDHUP)
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._arrival.register(self._wakeup, select.POLLIN)
        self._is_open = True

    def turn(self, timeout_s: float) -> MQTTErrorCode:
        """Wait for packets, read them, and write what is queued.

        Thread: the session's.

        Raises:
            Exception: paho-mqtt failed in an unforeseen way, here or in `flush`.
        """
        with self._turn:
            if self._client.socket() is None:  # closed by a thread whose write failed
                return MQTTErrorCode.MQTT_ERR_NO_CONN
            # Of what OpenSSL has decrypted already the kernel knows nothing.
            is_decrypted = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        # Asked after the lock was let go: a thread that finds it taken leaves its message to this.
        wanted = select.POLLIN | select.POLLRDHUP | (select.POLLOUT if self._client.want_write() else 0)
        self._arrival.register(self._descriptor, wanted)
        ready = dict(self._arrival.poll(0 if is_decrypted else timeout_s * 1000))
        if self._wakeup in ready:
            os.eventfd_read(self._wakeup)
        events = ready.get(self._descriptor, 0)
        with self._turn:
            if self._error is not None:
                raise self._error
            is_readable = is_decrypted or events & ~select.POLLOUT != 0
            return self._read_and_write(is_readable=is_readable, is_ending=events & _ENDING != 0)

    def _read_and_write(self, *, is_readable: bool, is_ending: bool) -> MQTTErrorCode:
        client = self._client
        if is_readable and (result := client.loop_read()) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return result
        # A write that fails closes the socket, and why the broker ended the connection would not be read any more.
        if client.want_write() and not is_ending:
            result = client.loop_write()
            self._left_to_loop = self._left_to_loop and client.want_write()
            if result != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return result
        elif is_readable and client.socket() is not None:
            transport.acknowledge_at_once(self._sock)  # which a write does along the way
        return client.loop_misc() if client.socket() is not None else MQTTErrorCode.MQTT_ERR_NO_CONN

    def flush(self, *, at_once: bool) -> None:
        """Write what was just queued, as far as the kernel takes it now; what is left, the loop's thread writes.

        Thread: any.

        Args:
            at_once: Write in this thread, unless something larger waits that was left to the loop's.
        """
        client = self._client
        self._left_to_loop = self._left_to_loop or not at_once
        while client.want_write() and self._turn.acquire(blocking=False):
            try:
                if not self._is_open:
                    return
                # Why the broker ended the connection may be there to be read, see `_read_and_write`.
                if not self._left_to_loop and not self._ending.poll(0):
                    self._write_at_once()
                if client.want_write() or client.socket() is None or self._error is not None:
                    os.eventfd_write(self._wakeup, 1)
                    return
            finally:
                self._turn.release()

    def _write_at_once(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # ends this connection, in the loop's thread, and not the thread that publishes
            self._error = error

    def close(self) -> None:
        """End, also where it never began; `flush` does nothing any more. Thread: the session's."""
        with self._turn:
            if self._is_open:
                os.close(self._wakeup)
            self._is_open = False
