"""Starts servers on loopback, each on a port of its own, and ends each by its id."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

from packages import Unavailable

START_S = 120


class Servers:
    """The servers of one run, started once each, all ended with the run."""

    def __init__(self, cache, work):
        self.cache = cache
        self.work = work
        self._running = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self._running.values():
            if isinstance(server, Server):
                server.end()

    def get(self, name, start):
        """Returns a server, started if need be. A failed start is not tried again."""
        if name not in self._running:
            try:
                self._running[name] = start(self)
            except Unavailable as reason:
                self._running[name] = reason
        if isinstance(self._running[name], Unavailable):
            raise self._running[name]
        return self._running[name]

    def spawn(self, name, command, port, ready, **environment):
        """Starts a server, and waits until the address `ready` answers anything but 503."""
        folder = self.work / name
        folder.mkdir()
        server = Server(name, command, port, folder, environment)
        try:
            server.wait_for(f"http://127.0.0.1:{port}{ready}")
        except BaseException:
            server.end()
            raise
        return server


class Server:
    def __init__(self, name, command, port, folder, environment):
        self.url = f"http://127.0.0.1:{port}"
        self.name = name
        self.log = folder / "log"
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                cwd=folder,
                env={**kept, "HOME": str(folder), **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, address):
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Unavailable(f"{self.name} ended while it started: {self._last_words()}")
            if answers(address):
                return
            time.sleep(0.3)
        raise Unavailable(f"{self.name} did not start within {START_S} s: {self._last_words()}")

    def end(self):
        """Ends the process and its children: the group that it leads."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(timeout=10)
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue

    def _last_words(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "without a word"


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return answer.status != 503
    except urllib.error.HTTPError as error:
        return error.code != 503
    except OSError:
        return False


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]
