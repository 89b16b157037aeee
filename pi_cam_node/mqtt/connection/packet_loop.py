"""Packet I/O of a connection: one thread reads; each publishing thread writes directly.

paho-mqtt's own loop writes in one thread only, which must be woken for each message; that would delay replies by two
thread switches.
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

# Larger messages are left to the loop's thread, as copying and encrypting them takes time.
AT_ONCE_BYTES = 16 << 10
# The peer has closed, or the connection is broken; earlier data can still be read.
_ENDING = select.POLLRDHUP | select.POLLHUP | select.POLLERR | select.POLLNVAL


class PacketLoop:
    """Packet I/O of one connection. The socket is non-blocking; only `turn` waits.

    Args:
        client: With `on_socket_register_write` set, so that it does not write itself.
    """

    def __init__(self, client: paho.Client) -> None:
        self._client = client
        self._sock: Any = None
        self._descriptor = self._wakeup = -1
        # Held while reading, writing or closing: partial packets and OpenSSL allow one thread at a time.
        self._turn = threading.Lock()
        self._arrival, self._ending = select.poll(), select.poll()
        self._is_open = self._left_to_loop = False
        self._error: Exception | None = None

    def open(self) -> None:
        """Start with a connected client. Thread: the session's."""
        self._sock = self._client.socket()
        self._descriptor = self._sock.fileno()
        self._ending.register(self._descriptor, select.POLLRDHUP)
        self._wakeup = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._arrival.register(self._wakeup, select.POLLIN)
        self._is_open = True

    def turn(self, timeout_s: float) -> MQTTErrorCode:
        """Wait for packets, read them, and write queued ones.

        Thread: the session's.

        Raises:
            Exception: Unexpected error of paho-mqtt, here or in `flush`.
        """
        with self._turn:
            if self._client.socket() is None:  # closed by another thread after a write error
                return MQTTErrorCode.MQTT_ERR_NO_CONN
            # Data already decrypted by OpenSSL is unknown to select().
            is_decrypted = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0
        # Checked after releasing the lock: a thread that finds it held leaves its message to this one.
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
        # Read first: a failed write closes the socket, and the broker's DISCONNECT would be lost.
        if client.want_write() and not is_ending:
            result = client.loop_write()
            self._left_to_loop = self._left_to_loop and client.want_write()
            if result != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return result
        elif is_readable and client.socket() is not None:
            transport.acknowledge_at_once(self._sock)  # a write includes the acknowledgement
        return client.loop_misc() if client.socket() is not None else MQTTErrorCode.MQTT_ERR_NO_CONN

    def flush(self, *, at_once: bool) -> None:
        """Write queued data as far as the kernel accepts it; the loop's thread writes the rest.

        Thread: any.

        Args:
            at_once: Write in this thread, unless a larger message is pending.
        """
        client = self._client
        self._left_to_loop = self._left_to_loop or not at_once
        while client.want_write() and self._turn.acquire(blocking=False):
            try:
                if not self._is_open:
                    return
                # A DISCONNECT of the broker may be waiting, see `_read_and_write`.
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
        except (
            Exception
        ) as error:  # raised in the loop's thread, to end the connection instead of the publishing thread
            self._error = error

    def close(self) -> None:
        """Stop, even if not started; `flush` then does nothing. Thread: the session's."""
        with self._turn:
            if self._is_open:
                os.close(self._wakeup)
            self._is_open = False
