#!/usr/bin/env python3
"""Runs the end-to-end tests: every *_test.py beside this file, against real processes.

  tests/e2e/run.py [-k PATTERN] [--build DIR]
    -k PATTERN    only cases whose name contains PATTERN (file.Class.case; * and ? as in a shell; may be repeated)
    --build DIR   where the binaries are (default build/debug); the tests find it in MAX_BUILD

The last line is "N passed, N failed[, N skipped]". Exit codes: 0, 1 when something failed or nothing ran, 2 usage.
"""
import argparse
import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


class Result(unittest.TestResult):
    """Prints each case with its time as it ends, and what went wrong right below it."""

    def __init__(self):
        super().__init__()
        self.passed, self.bad, self.began = 0, 0, 0.0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()
        self.subtest_failed = False

    def say(self, word, test, detail=""):
        seconds = time.monotonic() - self.began if self.began else 0.0
        print(f"{seconds:7.2f} s  {word:7}  {test.id()}", flush=True)
        if detail:
            print("           " + detail.rstrip().replace("\n", "\n           "), flush=True)

    def failed(self, test, error):
        self.bad += 1
        self.say("FAILED", test, self._exc_info_to_string(error, test))
        self.began = 0.0 if isinstance(test, unittest.suite._ErrorHolder) else self.began

    def addSuccess(self, test):
        if not self.subtest_failed:
            self.passed += 1
            self.say("ok", test)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            if not self.subtest_failed:
                self.bad += 1
            self.subtest_failed = True
            self.say("FAILED", subtest, self._exc_info_to_string(error, test))

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.failed(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.failed(test, error)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("skipped", test, reason)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="PATTERN", action="append")
    parser.add_argument("--build", metavar="DIR", default=os.path.join(ROOT, "build", "debug"))
    options = parser.parse_args()
    os.environ["MAX_BUILD"] = os.path.abspath(options.build)
    sys.path.insert(0, HERE)
    loader = unittest.TestLoader()
    if options.k:
        loader.testNamePatterns = [f"*{pattern.replace(' ', '_')}*" for pattern in options.k]
    result = Result()
    loader.discover(HERE, pattern="*_test.py", top_level_dir=HERE).run(result)
    line = f"{result.passed} passed, {result.bad} failed"
    if result.skipped:
        line += f", {len(result.skipped)} skipped"
    print(line)
    sys.exit(0 if result.wasSuccessful() and result.passed + len(result.skipped) + (1 if options.k else 0) > 0 else 1)


if __name__ == "__main__":
    main()
