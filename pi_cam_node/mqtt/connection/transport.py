"""Transport below MQTT: socket options, TLS, and texts for connection errors."""

from __future__ import annotations

import errno
import fcntl
import socket
import ssl
import struct
import sys
import termios
from contextlib import suppress
from typing import Any, Protocol

from pi_cam_node.base.secret_file import read_secret, require_plain
from pi_cam_node.config import MqttConfig, MqttTlsConfig

# Longest time until a TCP connection to the broker is open.
CONNECT_TIMEOUT_S = 5.0
# Longest time from then until it accepts or refuses the session.
CONNACK_TIMEOUT_S = 5.0
# Larger messages are not delivered (MQTT 5); far larger than any valid one.
LARGEST_INCOMING_BYTES = 4 << 20
# TCP_USER_TIMEOUT: the kernel closes the connection if the peer acknowledges nothing for so long.
USER_TIMEOUT_MS = 8_000
# More unsent bytes than this must contain a part of a picture.
STATES_BYTES = 4096


class Socket(Protocol):
    """A TCP socket, plain or under TLS."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """Set an option of the socket."""
        ...


def tune(sock: Socket) -> None:
    """Disable Nagle's algorithm, and set timeouts to detect a broken link."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
    acknowledge_at_once(sock)


def acknowledge_at_once(sock: Socket) -> None:
    """Send the pending TCP acknowledgement now instead of 40 ms later.

    A broker without TCP_NODELAY (mosquitto's default) delays its next packet until then. Linux resets the option, so it
    is set after each read.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def has_unsent_picture(sock: Any) -> bool:
    """Return whether the kernel's unsent and unacknowledged data may contain a picture."""
    try:
        waiting = fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4))
    except (OSError, TypeError, ValueError):  # closed meanwhile, or never open
        return False
    return int.from_bytes(waiting, sys.byteorder) > STATES_BYTES


def cut(sock: Any) -> None:
    """Close a connection at once, dropping data that the kernel has not sent."""
    with suppress(OSError, AttributeError, TypeError):  # closed meanwhile, or never open
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not the TLS method, which would disturb the reading thread


class TlsContext(ssl.SSLContext):
    """TLS context that keeps its socket, as paho-mqtt leaves it open if the handshake fails."""

    _sock: ssl.SSLSocket | None = None

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """See `ssl.SSLContext.wrap_socket`."""
        self._sock = super().wrap_socket(*arguments, **options)
        return self._sock

    def close_socket(self) -> None:
        """Close the socket, if any."""
        if self._sock is not None:
            self._sock.close()


def tls_context(tls: MqttTlsConfig) -> TlsContext:
    """Return a context that checks the broker's certificate and host name.

    Raises:
        OSError: A configured file is missing or invalid.
    """
    for path in (tls.ca, tls.cert, tls.key):
        if path is not None:
            require_plain(path)  # OpenSSL's own error does not name the file
    context = TlsContext(ssl.PROTOCOL_TLS_CLIENT)  # requires a valid certificate and a matching name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # OpenSSL names neither the file nor, in words, what is wrong with it.
    if tls.ca is None:
        context.load_default_certs()
    else:
        try:
            context.load_verify_locations(tls.ca)
        except ssl.SSLError:
            raise OSError(errno.EINVAL, "mqtt.tls.ca holds no certificate in PEM form", str(tls.ca)) from None
    if tls.cert is not None:
        try:
            # An empty password keeps OpenSSL from asking for one at the terminal.
            context.load_cert_chain(tls.cert, tls.key, password="")
        except ssl.SSLError:
            why = "mqtt.tls.cert and mqtt.tls.key are no certificate in PEM form and its key, which has no password"
            raise OSError(errno.EINVAL, why, str(tls.cert)) from None
    return context


def password_of(config: MqttConfig) -> str | None:
    """Return the password: the first line of ``mqtt.password_file`` if set, else ``mqtt.password``.

    Raises:
        OSError: The file cannot be read, or contains no password.
    """
    if config.password_file is not None:
        try:
            return read_secret(config.password_file)
        except ValueError as error:
            raise OSError(errno.EINVAL, f"mqtt.password_file: {error}") from None
    return config.password.get_secret_value() if config.password is not None else None


def reason_of(error: Exception, host: str, port: int) -> str:
    """Return why a connection could not be made, as a message without secrets."""
    where = f"{host}:{port}"
    match error:
        case ssl.SSLCertVerificationError():
            reason = f"TLS: the certificate of {where} is refused: {error.verify_message}"
        case ssl.SSLError():
            reason = f"TLS: {getattr(error, 'reason', None) or error} ({where})"
        case socket.gaierror():
            reason = f"the name {host} cannot be resolved"
        case ConnectionRefusedError():
            reason = f"nothing listens on {where}"
        case TimeoutError():
            reason = f"no answer from {where}"
        case OSError():
            reason = f"{error.strerror or error} ({error.filename or where})"
        case _:
            reason = f"{type(error).__name__}: {error} ({where})"
    return reason
