"""What the node costs and how fast it answers, beside a bare floor and a bare echo of the same run.

`python -m benchmarks.node [--seconds 30] [--json FILE]`; needs mosquitto. Synthetic camera, 1024×768 at 10 fps, ring of
300 frames full, broker on loopback. Processor time and memory are those of the whole process tree, from the system's
own accounting.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.asker import Asker, percentile
from tests.integration.broker import Mosquitto

ROOT = "pi_cam_node/bench"
RING_FRAMES, FPS = 300, 10
ENVIRONMENT = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


def tree(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def cpu_s(pid: int) -> float:
    return sum(t.user + t.system for t in (p.cpu_times() for p in tree(pid)))


def pss_mib(pid: int) -> float:
    return float(sum(p.memory_full_info().pss for p in tree(pid))) / (1 << 20)


def start_node(folder: Path, port: int) -> subprocess.Popen[bytes]:
    config = folder / "bench.yaml"
    config.write_text(
        f"node: {{id: bench}}\nmqtt: {{host: 127.0.0.1, port: {port}}}\n"
        "camera: {source: synthetic}\nexport: {auto_save_interval_s: 0}\nlogging: {level: WARNING}\n"
    )
    command = [sys.executable, "-m", "pi_cam_node", "run", "--config", str(config)]
    return subprocess.Popen(command, env=ENVIRONMENT)


def round_trips(asker: Asker) -> dict[str, dict[str, float]]:
    asked: list[tuple[str, str, dict[str, object], int]] = [
        ("get", "get", {"key": "night.gain"}, 500),
        ("save jpg", "save", {"formats": ["jpg"]}, 60),
        ("pastStack 4", "pastStack", {"formats": ["jpg"], "count": 4}, 60),
        ("pastStack 64", "pastStack", {"formats": ["jpg"], "count": 64}, 10),
    ]
    results = {}
    for name, verb, body, times in asked:
        took = []
        for _ in range(times):
            took_ms, reply = asker.ask(f"{ROOT}/cmd/{verb}", body)
            assert reply["ok"], reply
            took.append(took_ms)
        results[name] = {"p50_ms": median(took), "p99_ms": percentile(took, 0.99)}
    return results


def echo(port: int) -> dict[str, float]:
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.echo", str(port)], env=ENVIRONMENT)
    try:
        asker = Asker(port, "echo/#")
        asker.wait_for("echo/ready", 10)
        took = [asker.ask("echo/ask", {"stage": "final"})[0] for _ in range(500)]
        asker.close()
    finally:
        process.terminate()
        process.wait(5)
    return {"p50_ms": median(took), "p99_ms": percentile(took, 0.99)}


def floor_ms(frames: int) -> float:
    command = [sys.executable, "-m", "benchmarks.floor", str(frames)]
    return float(subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=True).stdout)


def measure(seconds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name, Mosquitto(Path(name), ["set_tcp_nodelay true"]) as broker:
        began_s = time.monotonic()
        asker = Asker(broker.port, f"{ROOT}/#")
        node = start_node(Path(name), broker.port)
        try:
            asker.wait_for(f"{ROOT}/state/brightness", 30)
            started_s = time.monotonic() - began_s
            time.sleep(RING_FRAMES / FPS + 2)
            before_s, at_s = cpu_s(node.pid), time.monotonic()
            time.sleep(seconds)
            per_frame_ms = (cpu_s(node.pid) - before_s) / ((time.monotonic() - at_s) * FPS) * 1000
            results = {
                "start_s": started_s,
                "cpu_ms_per_frame": per_frame_ms,
                "pss_mib": pss_mib(node.pid),
                "round_trips": round_trips(asker),
            }
        finally:
            asker.close()
            node.terminate()
            node.wait(10)
        results["echo"] = echo(broker.port)
    results["floor_ms_per_frame"] = floor_ms(seconds * FPS)
    return results


def table(results: dict[str, Any]) -> str:
    cpu_ms, floor = results["cpu_ms_per_frame"], results["floor_ms_per_frame"]
    lines = [
        "| what | node | reference of the same run | ratio |",
        "|---|---|---|---|",
        f"| CPU per frame | {cpu_ms:.2f} ms | bare floor {floor:.2f} ms | {cpu_ms / floor:.2f} |",
        f"| memory (PSS), ring of {RING_FRAMES} frames full | {results['pss_mib']:.0f} MiB | | |",
        f"| start to the first retained brightness | {results['start_s']:.1f} s | | |",
    ]
    reference = results["echo"]
    for name, took in results["round_trips"].items():
        beside = f"paho echo {reference['p50_ms']:.2f} / {reference['p99_ms']:.2f} ms" if name == "get" else ""
        times = f"{took['p50_ms'] / reference['p50_ms']:.2f}" if name == "get" else ""
        lines.append(f"| `{name}` p50 / p99 | {took['p50_ms']:.2f} / {took['p99_ms']:.2f} ms | {beside} | {times} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=30, help="how long processor time is counted")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    results = measure(arguments.seconds)
    print(table(results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
