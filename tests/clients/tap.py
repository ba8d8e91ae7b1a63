"""Stands between a client and the server, and records what passes: tap.py RECORD COMMAND...

The record has one JSON object for each line: `client`, `server` or `log` with the line; `signal` with the signal
that the client sent; `ended` with the exit code of the server; each with the time. Every byte is passed on, and so is
every signal, so that the server meets the client as it is.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time


class Record:
    def __init__(self, path):
        self._file = open(path, "a", buffering=1)
        self._lock = threading.Lock()

    def put(self, kind, what):
        with self._lock:
            self._file.write(json.dumps({"at": time.time(), kind: what}) + "\n")


def carry(record, kind, source, target, at_end):
    """Copies bytes from one descriptor to another until the end of either, and records the lines."""
    line = b""
    while True:
        try:
            data = os.read(source, 65536)
        except OSError:
            data = b""
        if not data:
            break
        *whole, line = (line + data).split(b"\n")
        for each in whole:
            record.put(kind, each.decode("utf-8", "replace"))
        try:
            while data:
                data = data[os.write(target, data):]
        except OSError:
            break
    record.put("end_of", kind)
    at_end()


def main():
    record = Record(sys.argv[1])
    pipe = subprocess.PIPE
    server = subprocess.Popen(sys.argv[2:], stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    started = {"pid": server.pid, "client": os.getppid(), "command": sys.argv[2:], "variables": sorted(os.environ)}
    record.put("started", started)

    def pass_on(number, _):
        record.put("signal", signal.Signals(number).name)
        server.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    nothing = lambda: None
    ways = [
        ("client", 0, server.stdin.fileno(), server.stdin.close),
        ("server", server.stdout.fileno(), 1, nothing),
        ("log", server.stderr.fileno(), 2, nothing),
    ]
    threads = [threading.Thread(target=carry, args=(record, *way), daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    # In steps, because a signal is handled between two of them.
    while server.poll() is None:
        time.sleep(0.02)
    for thread in threads[1:]:
        thread.join(1)
    record.put("ended", server.returncode)
    os._exit(server.returncode if server.returncode >= 0 else 128 - server.returncode)


if __name__ == "__main__":
    main()
