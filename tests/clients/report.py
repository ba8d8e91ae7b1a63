"""What each check came to: one line each, and the exit code."""

import threading


class Report:
    def __init__(self):
        self._counts = {"ok": 0, "FAIL": 0, "skip": 0}
        self._lock = threading.Lock()

    def check(self, name, problems):
        """Reports a check by its problems, of which a good one has none."""
        self._line("FAIL" if problems else "ok", name, "; ".join(problems))

    def skip(self, name, reason):
        self._line("skip", name, reason)

    def end(self):
        """Prints the sum, and returns the exit code."""
        counts = self._counts
        print(f"\n{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
        return 1 if counts["FAIL"] or not counts["ok"] else 0

    def _line(self, outcome, name, why):
        with self._lock:
            self._counts[outcome] += 1
            print(f"{outcome:4} {name}: {why}" if why else f"{outcome:4} {name}", flush=True)
