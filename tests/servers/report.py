"""What each check came to: one line each, and the exit code."""


class Report:
    def __init__(self):
        self.suite = ""
        self.counts = {"ok": 0, "FAIL": 0, "skip": 0}

    def check(self, name, problems):
        """Reports a check by its problems, of which a good one has none."""
        self._line("FAIL" if problems else "ok", name, "; ".join(problems))

    def skip(self, name, reason):
        self._line("skip", name, reason)

    def end(self):
        """Prints the sum, and returns the exit code."""
        print(f"\n{self.counts['ok']} passed, {self.counts['FAIL']} failed, {self.counts['skip']} skipped")
        return 1 if self.counts["FAIL"] else 0

    def _line(self, outcome, name, why):
        self.counts[outcome] += 1
        text = f"{outcome:4} {self.suite}: {name}"
        print(f"{text}: {why}" if why else text, flush=True)
