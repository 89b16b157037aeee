"""The console program: builds the console from its settings and runs it on one asyncio loop, which owns its state."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

from pi_cam_node.base.clock import SystemClock
from pi_cam_node.base.errors import ConfigError
from pi_cam_node.console.accounts.pairing import Pairing
from pi_cam_node.console.accounts.registry import Accounts
from pi_cam_node.console.accounts.setup_link import SetupLink
from pi_cam_node.console.broker.link import BrokerLink
from pi_cam_node.console.broker.requests import Requests
from pi_cam_node.console.broker.retained_by_name import RetainedByName
from pi_cam_node.console.broker.topics import ConsoleTopics
from pi_cam_node.console.changes import Changes
from pi_cam_node.console.config.loader import LoadedConsole
from pi_cam_node.console.context import ConsoleContext
from pi_cam_node.console.journal import Journal
from pi_cam_node.console.links import Links
from pi_cam_node.console.maintenance import Maintenance
from pi_cam_node.console.message_dispatcher import MessageDispatcher
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.pictures.client import NodeClient
from pi_cam_node.console.pictures.cutoff import Cutoff
from pi_cam_node.console.pictures.hub import LiveHub
from pi_cam_node.console.push import vapid
from pi_cam_node.console.push.channels import Channels
from pi_cam_node.console.push.composer import Composer
from pi_cam_node.console.push.endpoints import ENVIRONMENT, Endpoints
from pi_cam_node.console.push.notify import NotifySender
from pi_cam_node.console.push.outbox import Outbox
from pi_cam_node.console.push.pause import PushPause
from pi_cam_node.console.push.sender import PushSender
from pi_cam_node.console.rules.actions import ActionRunner
from pi_cam_node.console.rules.engine import Occurrence, RuleEngine
from pi_cam_node.console.sensors.registry import Sensors
from pi_cam_node.console.store.database import Database
from pi_cam_node.console.store.events import EventRow
from pi_cam_node.console.supervisor.supervisor import Supervisor
from pi_cam_node.console.web.program import ConsolePages
from pi_cam_node.system.process import stop_signals
from pi_cam_node.web.http.service import HttpService

_log = logging.getLogger(__name__)

CLOSE_S = 5.0
# Longer than the web server waits for its connections to close.
PAGES_S = 3.0


class Console:
    """The console: creates and connects its parts, starts and stops them.

    Args:
        loaded: Its settings.

    Raises:
        ConfigError: The folder of the database cannot be used.
    """

    def __init__(self, loaded: LoadedConsole) -> None:
        self.loaded = loaded
        self.clock = SystemClock()
        config = loaded.config
        own = [camera.id for camera in loaded.cameras]
        self.topics = ConsoleTopics(
            config.mqtt.base_topic,
            config.console.id,
            config.homeassistant.discovery_prefix,
            frozenset([*config.console.nodes, *own] if config.console.nodes else ()),
        )
        folder = config.console.base_dir
        self.database = Database(folder, self.clock)
        try:
            self.database.open()
            self._links = Links(folder, self.clock)
            subject = vapid.subject_of(config.console.vapid_subject, folder)
            self._vapid = vapid.Vapid(vapid.read_or_make(folder), subject)
        except ConfigError:
            raise
        except (OSError, ValueError) as error:
            raise ConfigError([f"console.base_dir: {error}"]) from error
        self._endpoints = Endpoints(os.environ.get(ENVIRONMENT, "").split(","))

    def run(self) -> int:
        """Run until SIGTERM, SIGINT or SIGHUP; return the exit code."""
        asyncio.run(self._main())
        return 0

    async def _main(self) -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in stop_signals():
            loop.add_signal_handler(number, stopped.set)
        await self.serve(stopped)

    async def serve(self, stopped: asyncio.Event) -> None:
        """Run until ``stopped`` is set."""
        context, link, sender = self._build()
        maintenance = Maintenance(context)
        await maintenance.load()
        pages = HttpService(ConsolePages(context))
        link.start(asyncio.get_running_loop())
        context.supervisor.start()
        tasks = [
            asyncio.create_task(work, name=name)
            for name, work in (
                ("journal", context.journal.run()),
                ("outbox", context.outbox.run()),
                ("maintenance", maintenance.run()),
                ("pages", pages.run()),
            )
        ]
        ending = asyncio.create_task(stopped.wait())
        try:
            done, _ = await asyncio.wait([ending, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {ending}:
                _log.error("%s ended; the console stops", task.get_name(), exc_info=task.exception())
        finally:
            pages.stop()
            await self._close(context, link, sender, [ending, *tasks])

    async def _close(
        self, context: ConsoleContext, link: BrokerLink, sender: PushSender, tasks: list[asyncio.Task[object]]
    ) -> None:
        await context.supervisor.stop()
        await asyncio.get_running_loop().run_in_executor(None, link.close, CLOSE_S)
        context.hub.close()
        await asyncio.wait([task for task in tasks if task.get_name() == "pages"], timeout=PAGES_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(OSError):
            await context.journal.flush()
        await sender.close()
        await context.client.close()
        context.accounts.close()
        await asyncio.get_running_loop().run_in_executor(None, self.database.close)

    def _build(self) -> tuple[ConsoleContext, BrokerLink, PushSender]:
        config, clock = self.loaded.config, self.clock
        changes, journal, nodes = Changes(), Journal(self.database), Nodes(clock)
        requests = Requests(lambda node, verb, payload, name: self._send(link, node, verb, payload, name))
        prefix, base = config.homeassistant.discovery_prefix, config.mqtt.base_topic
        sensors = Sensors(prefix, base, lambda topic: link.subscribe(topic), lambda topic: link.unsubscribe(topic))  # noqa: PLW0108 - the link is made later
        accounts = Accounts(self.database, clock)
        engine = RuleEngine(self.loaded.rules)

        def on_occurrence(cause: Occurrence) -> None:
            self._fire(context, runner, cause)

        by_name = RetainedByName(self.topics, lambda: link)
        dispatcher = MessageDispatcher(
            self.topics, nodes, sensors, requests, journal, changes, clock, on_occurrence, by_name
        )
        link = BrokerLink(config.mqtt, self.topics, clock, dispatcher.on_message, dispatcher.on_state)
        client, cutoff = NodeClient(requests, clock), Cutoff()
        sender, pause = PushSender(self._vapid, self._endpoints), PushPause(clock, lambda: changes.tell("mode"))
        composer = Composer(accounts, nodes, self._links, lambda: self.loaded.base_url)
        channels = Channels(composer, sender, NotifySender(), nodes, client)
        context = ConsoleContext(
            loaded=self.loaded,
            clock=clock,
            database=self.database,
            journal=journal,
            changes=changes,
            nodes=nodes,
            requests=requests,
            dispatcher=dispatcher,
            client=client,
            cutoff=cutoff,
            hub=LiveHub(nodes, client, cutoff, clock, lambda node, wanted: self._follow(link, node, wanted)),
            sensors=sensors,
            engine=engine,
            accounts=accounts,
            setup=SetupLink(config.console.base_dir),
            pairing=Pairing(clock),
            links=self._links,
            vapid=self._vapid,
            endpoints=self._endpoints,
            outbox=Outbox(
                self.database, channels.send, clock, lambda _event: changes.tell("events"), lambda: pause.is_on
            ),
            pause=pause,
            supervisor=Supervisor(self.loaded.cameras, config, clock),
            file_content=self.loaded.content,
        )
        runner = self._runner(context)
        return context, link, sender

    def _runner(self, context: ConsoleContext) -> ActionRunner:
        return ActionRunner(
            requests=context.requests,
            nodes=context.nodes,
            sensors=context.sensors,
            accounts=context.accounts,
            database=self.database,
            clock=self.clock,
            pause=context.pause,
            on_event=lambda row: self._written(context, row),
        )

    def _send(self, link: BrokerLink, node: str, verb: str, payload: bytes, name: bytes) -> bool:
        return link.publish(self.topics.command(node, verb), payload, correlation=name)

    def _follow(self, link: BrokerLink, node: str, wanted: bool) -> None:
        """Subscribe to a node's live picture, or unsubscribe."""
        topic = self.topics.frame(node)
        if wanted:
            link.subscribe(topic, 0)
        else:
            link.unsubscribe(topic)

    def _fire(self, context: ConsoleContext, runner: ActionRunner, cause: Occurrence) -> None:
        local = context.local_now().time()
        now_s = self.clock.monotonic()
        for firing in context.engine.firings(cause, mode=context.mode, local=local, now_s=now_s):
            _log.info("rule: %s", firing.rule.title)
            runner.start(firing)

    def _written(self, context: ConsoleContext, _row: EventRow) -> None:
        context.changes.tell("events")
        context.outbox.wake()
