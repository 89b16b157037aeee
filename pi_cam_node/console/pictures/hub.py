"""Live view hub: one upstream connection for each watched camera, shared by its viewers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from pi_cam_node.base.clock import Clock
from pi_cam_node.console.nodes.node import Node
from pi_cam_node.console.nodes.registry import Nodes
from pi_cam_node.console.pictures import scaling
from pi_cam_node.console.pictures.client import NodeClient
from pi_cam_node.console.pictures.cutoff import Cutoff
from pi_cam_node.console.pictures.upstream import Upstream
from pi_cam_node.console.pictures.viewer import Viewer, Wanted

SCALERS = 2
_CHANGES_VIEW = frozenset({"availability", "camera", "info", "state"})


class LiveHub:
    """Live view of all cameras. Thread: the loop's.

    Args:
        nodes: All nodes.
        client: Fetches pictures.
        cutoff: Aborts responses with pictures of a node.
        clock: Tells the time.
        follow_frames: Called with a node's id and whether its retained live picture is wanted.
    """

    def __init__(
        self,
        nodes: Nodes,
        client: NodeClient,
        cutoff: Cutoff,
        clock: Clock,
        follow_frames: Callable[[str, bool], None],
    ) -> None:
        self._nodes = nodes
        self._client = client
        self._cutoff = cutoff
        self._clock = clock
        self._follow_frames = follow_frames
        self._upstreams: dict[str, Upstream] = {}
        self._viewers: set[Viewer] = set()
        self.scalers = ThreadPoolExecutor(SCALERS, "console-scale")
        nodes.on_change(self._node_changed)

    @property
    def viewers(self) -> int:
        """Number of browsers that watch."""
        return len(self._viewers)

    def show(self, viewer: Viewer, wanted: Mapping[str, Wanted]) -> None:
        """Set the cameras that a browser is shown; cameras of unknown nodes are added once the node is known."""
        if not self._viewers:
            self.scalers.submit(scaling.load)
        self._viewers.add(viewer)
        before = set(viewer.wanted)
        viewer.want(wanted)
        for camera in before - viewer.wanted.keys():
            self._remove(viewer, camera)
        for camera in viewer.wanted:
            self._add(viewer, camera)

    def leave(self, viewer: Viewer) -> None:
        """Remove a browser's live view."""
        for camera in list(viewer.wanted):
            self._remove(viewer, camera)
        viewer.want({})
        self._viewers.discard(viewer)

    def close(self) -> None:
        """End every connection."""
        for upstream in self._upstreams.values():
            upstream.close()
        self.scalers.shutdown(wait=False, cancel_futures=True)

    def _add(self, viewer: Viewer, camera: str) -> None:
        node = self._nodes.get(camera)
        if node is None:
            return
        if camera not in self._upstreams:

            def follow(wanted: bool) -> None:
                self._follow_frames(camera, wanted)

            self._upstreams[camera] = Upstream(node, self._client, self._clock, follow)
        self._upstreams[camera].add(viewer)

    def _remove(self, viewer: Viewer, camera: str) -> None:
        upstream = self._upstreams.get(camera)
        if upstream is not None:
            upstream.remove(viewer)
            if not upstream.viewers:
                del self._upstreams[camera]

    def _node_changed(self, node: Node, part: str) -> None:
        upstream = self._upstreams.get(node.id)
        is_gone = part in {"gone", "dropped"}
        if is_gone or (part == "state" and node.is_private):
            self._cutoff.cut(node.id)
        if upstream is None and is_gone:
            return
        if upstream is None:
            # A browser may have asked for the camera before its node was known, or was back.
            for viewer in self._viewers:
                if node.id in viewer.wanted:
                    self._add(viewer, node.id)
        elif is_gone:
            upstream.hide()
            upstream.close()
            del self._upstreams[node.id]
        elif part == "frame":
            upstream.retained_frame()
        elif part in _CHANGES_VIEW:
            upstream.node_changed()
