"""Installs packages by name and pinned version into a folder of their own."""

import shutil
import subprocess
import sys

INSTALL_S = 300


class Unavailable(Exception):
    """What a suite needs cannot be had here; it is skipped."""


def from_pypi(cache, name, pins):
    """Returns the `bin` folder of a virtual environment that has the pinned packages."""
    folder = cache / name
    binaries = folder / "bin"

    def install():
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(binaries / "pip"), "install", "--quiet", "--disable-pip-version-check", *pins])

    _once(folder, pins, install)
    return binaries


def from_npm(cache, name, pins):
    """Returns the `node_modules` folder that has the pinned packages. Their install scripts are not run."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise Unavailable("node and npm are not installed")
    folder = cache / name

    def install():
        folder.mkdir(parents=True)
        quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        _run(["npm", "install", *quiet, "--prefix", str(folder), *pins])

    _once(folder, pins, install)
    return folder / "node_modules"


def _once(folder, pins, install):
    """Installs unless the same versions are there, which a file tells that is written last."""
    done = folder / "installed"
    wanted = "\n".join(pins)
    if done.is_file() and done.read_text() == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    install()
    done.write_text(wanted)


def _run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"not installed within {INSTALL_S} s: {' '.join(command[-2:])}") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"cannot be installed: {said[-1] if said else command[0]}")
