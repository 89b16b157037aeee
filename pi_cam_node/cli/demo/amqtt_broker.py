"""Program that runs the broker amqtt on a loopback port, for the demo without mosquitto.

MQTT 3.1.1 only. setup.cfg pins the version, because `DemoBroker` corrects a fault of it in a method that is not public.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal

from amqtt.broker import Broker
from amqtt.session import Session

from pi_cam_node.base.parent_death import end_with_parent


class DemoBroker(Broker):  # type: ignore[misc] # amqtt ships no types
    """Sends retained messages only to the clients that subscribed to them.

    amqtt 0.12.1 sends every new client the retained messages of all filters of all clients. They fill the screen of
    ``mosquitto_sub``, and what a client publishes while they are sent is lost when it disconnects.
    """

    async def _publish_retained_messages_for_subscription(
        self, subscription: tuple[str, int], session: Session
    ) -> None:
        subscribers = self._subscriptions.get(subscription[0], [])
        if any(subscriber is session for subscriber, _ in subscribers):
            await super()._publish_retained_messages_for_subscription(subscription, session)


async def serve(port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = DemoBroker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    await stop.wait()
    await broker.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="amqtt on a loopback port, for demonstration")
    parser.add_argument("parent_pid", type=int)
    parser.add_argument("port", type=int)
    options = parser.parse_args()
    end_with_parent(options.parent_pid)
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(serve(options.port))
