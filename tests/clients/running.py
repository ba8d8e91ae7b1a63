"""Processes of this run: each leads a group of its own, and is ended with its group."""

import os
import signal
import subprocess
import threading

_lock = threading.Lock()
_running = set()
_ending = False


def start(words, stdin=subprocess.DEVNULL, **options):
    """Starts a process, with nothing on stdin unless a pipe is wanted."""
    with _lock:
        if _ending:
            raise RuntimeError("the run is ending")
        process = subprocess.Popen(words, stdin=stdin, start_new_session=True, **options)
        _running.add(process)
    return process


def finish(words, limit_s, **options):
    """Runs a process to its end. Returns its exit code, stdout and stderr; None for the code if it was not done."""
    pipe = subprocess.PIPE
    process = start(words, stdout=pipe, stderr=pipe, text=True, errors="replace", **options)
    try:
        out, err = process.communicate(timeout=limit_s)
        return process.returncode, out, err
    except subprocess.TimeoutExpired:
        end(process)
        return None, *process.communicate()
    finally:
        end(process)


def end(process):
    """Ends a process and what it started, unless it has left its group."""
    with _lock:
        _running.discard(process)
    end_group(process.pid)
    process.wait()


def end_group(leader):
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def end_all():
    """Ends every process of this run, and lets none begin."""
    global _ending
    with _lock:
        _ending = True
        left = list(_running)
    for process in left:
        end_group(process.pid)
