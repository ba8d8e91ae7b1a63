"""The model behind an agent, played on loopback in the wire that the agent speaks.

A script is a function from what the agent shows, `Seen`, to what the model says next: a text, or a list of calls
`(tool, arguments)` by the server's names for its tools. It is asked anew for each request, so a side question (for a
title, say) never gets it out of step.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wires import completions, generate, messages, responses
from wires.common import Turn

WIRES = (messages, responses, generate, completions)


class Model:
    def __init__(self, script, name_unlisted, record):
        """`name_unlisted` names a tool that a request does not list; `record` is a file for what is shown."""
        self.script = script
        self.seen = []
        self._name_unlisted = name_unlisted
        self._record = open(record, "a", buffering=1)
        self._server = _Server(("127.0.0.1", 0), type("Bound", (_Handler,), {"model": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._record.close()

    def answer(self, path, body):
        """What a request gets: an object, or a list of events."""
        wire = next((wire for wire in WIRES if wire.is_mine(path)), None)
        if wire is None:
            return {"input_tokens": 1000} if path.endswith("/count_tokens") else {"ok": True}
        seen = wire.read(body)
        if not seen.tools:
            return wire.write(Turn("A title"), seen, body, path)
        self.seen.append(seen)
        self._record.write(json.dumps(seen.__dict__) + "\n")
        said = self.script(seen)
        turn = Turn(said) if isinstance(said, str) else Turn(calls=[(self._named(seen, t), a) for t, a in said])
        return wire.write(turn, seen, body, path)

    def _named(self, seen, tool):
        """The agent's name for a tool of the server."""
        ends = lambda name: (name[-1] if isinstance(name, tuple) else name or "").endswith(tool)
        listed = [name for name, _ in seen.tools if ends(name)]
        return listed[0] if listed else self._name_unlisted(tool)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Says nothing: agents hang up on side questions."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model = None

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._json({})

    def do_GET(self):
        self._json({"data": [], "models": [], "object": "list"})

    def do_POST(self):
        try:
            body = json.loads(self._body())
        except ValueError:
            return self._json({"ok": True})
        answer = self.model.answer(self.path.split("?")[0], body)
        if not isinstance(answer, list):
            return self._json(answer)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        for kind, data in answer:
            begin = f"event: {kind}\n" if kind else ""
            data = data if isinstance(data, str) else json.dumps(data)
            self.wfile.write(f"{begin}data: {data}\n\n".encode())
            self.wfile.flush()

    def _body(self):
        if (self.headers.get("transfer-encoding") or "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        whole = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def _json(self, value):
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
