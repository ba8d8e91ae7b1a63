"""The side of a person that an agent can be talked to from: lines of JSON on stdin and stdout, or HTTP."""

import json
import re
import threading
import time
import urllib.request

# A start on a busy machine.
LIMIT_S = 40


class Lines:
    """Talks to an agent that reads and writes one JSON object for each line."""

    def __init__(self, process, log):
        self._process = process
        self._answers = {}
        self._number = 0
        threading.Thread(target=self._read, args=(log,), daemon=True).start()

    def begin(self, folder):
        """Does what comes before the first question."""

    def say(self, message):
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def request(self, method, params):
        self._number += 1
        self.say({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        return self._number

    def answer(self, method, params):
        number = self.request(method, params)
        return until(lambda: self._answers.get(number))["result"]

    def leave(self):
        self._process.stdin.close()

    def _read(self, log):
        for line in self._process.stdout:
            log.write(line)
            message = json.loads(line) if line.startswith(b"{") else {}
            if "id" in message and "method" not in message:
                self._answers[message["id"]] = message


class Listener:
    """Talks to an agent that listens on loopback, at the address that it prints."""

    def __init__(self, process, log):
        self._process = process
        self._said = b""
        threading.Thread(target=self._read, args=(log,), daemon=True).start()
        self._url = until(lambda: re.search(rb"http://127\.0\.0\.1:\d+", self._said))[0].decode()

    def post(self, path, body):
        about = {"content-type": "application/json"}
        request = urllib.request.Request(self._url + path, json.dumps(body).encode(), about)
        return json.loads(urllib.request.urlopen(request, timeout=LIMIT_S).read() or b"null")

    def leave(self):
        self._process.terminate()

    def _read(self, log):
        for line in self._process.stdout:
            log.write(line)
            self._said += line


def until(what):
    """Waits for what something returns."""
    end = time.monotonic() + LIMIT_S
    while not (found := what()):
        if time.monotonic() > end:
            raise TimeoutError("the agent did not answer its person")
        time.sleep(0.02)
    return found
