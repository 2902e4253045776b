# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""Runs the peers by turns, workload by workload, round by round."""

import json
import os
import subprocess
import sys
import time

from . import plan
from .figures import Results
from .peers import PeerFailed, Process

LIMITS = "limits"


class Progress:
    """A line on a terminal that is written over; elsewhere a line for each round."""

    def __init__(self, steps):
        self.steps, self.done, self.began = steps, 0, time.monotonic()
        self.shown = sys.stderr.isatty()

    def step(self, text):
        self.done += 1
        if not self.shown:
            return
        spent = time.monotonic() - self.began
        left = spent / self.done * (self.steps - self.done)
        line = f"{self.done}/{self.steps} {text}, {spent:.0f} s, about {left:.0f} s to go"
        sys.stderr.write("\r\033[K" + line[:110])
        sys.stderr.flush()

    def end_of_round(self, text):
        spent = time.monotonic() - self.began
        if not self.shown:
            print(f"{text} done after {spent:.0f} s", file=sys.stderr, flush=True)

    def end(self):
        if self.shown:
            sys.stderr.write("\r\033[K")


class Setting:
    """One kind of keys, size of values and number of entries."""

    def __init__(self, keys, value_bytes, entries, operations):
        self.keys, self.value_bytes = keys, value_bytes
        self.entries, self.operations = entries, operations
        self.key_bytes = 0
        self.keyfile = None

    def title(self):
        return f"{self.entries:,} entries, keys {self.keys}, values of {self.value_bytes} bytes"

    def make_keys(self, makekeys, directory):
        self.keyfile = os.path.join(directory, f"keys.{os.getpid()}")
        made = subprocess.run(
            [makekeys, self.keys, str(self.entries), str(self.operations), self.keyfile],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        about = json.loads(made.stdout)
        self.entries, self.operations = about["entries"], about["operations"]
        self.key_bytes = about["key_bytes"]

    def table_bytes(self):
        """About what the largest table of a peer takes."""
        return self.key_bytes + self.entries * (self.value_bytes + 100)


def memory_available():
    with open("/proc/meminfo", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 0


class Conductor:
    """All rounds of one setting."""

    def __init__(self, programs, setting, rounds, sessions, latency):
        self.programs, self.setting = dict(programs), setting
        self.rounds, self.sessions = rounds, sessions
        self.latency = latency
        self.results = Results()
        self.about, self.failed = {}, {}
        self.together, self.interrupted = True, False
        passes = rounds + bool(latency)
        steps = passes * sum(len(self._who(s)) * len(s) for s in sessions)
        self.progress = Progress(steps + len(self.programs))

    def _who(self, session):
        """The peers that take part in a session, by name."""
        if session[0][0] in plan.WALKS:
            return [p for p in self.programs if p == LIMITS]
        return list(self.programs)

    def _drop(self, peer, error):
        self.failed[peer] = str(error)
        self.programs.pop(peer, None)
        print(f"{peer} is out: {error}", file=sys.stderr)

    def _start(self, peer):
        s = self.setting
        return Process(peer, self.programs[peer], s.keyfile, s.value_bytes, s.operations)

    def check(self):
        """Every peer's answers, before anything is timed."""
        for peer in list(self.programs):
            process = None
            self.progress.step(f"checking {peer}")
            try:
                process = self._start(peer)
                self.about[peer] = process.about
                process.ask("check")
            except PeerFailed as error:
                self._drop(peer, error)
            if process is not None:
                process.close()

    def _turn(self, processes, peer, workload, threads, number):
        if peer not in self.programs:
            return
        where = "latencies" if number is None else f"round {number + 1}"
        self.progress.step(f"{where}, {workload}, {peer}")
        try:
            if peer not in processes:
                processes[peer] = self._start(peer)
            word = "latency" if number is None else "run"
            for figure in processes[peer].ask(f"{word} {workload} {threads}"):
                self.results.add(peer, number, figure)
        except PeerFailed as error:
            self._drop(peer, error)

    def _session(self, session, who, number):
        processes = {}
        try:
            for turn, (workload, threads) in enumerate(session):
                for peer in plan.order(who, number or 0, turn):
                    self._turn(processes, peer, workload, threads, number)
        finally:
            for process in processes.values():
                process.close()

    def _round(self, number):
        for session in self.sessions:
            who = self._who(session)
            if len(who) * self.setting.table_bytes() < memory_available() * 0.8:
                self._session(session, who, number)
                continue
            self.together = False  # no room for all tables at once
            for peer in plan.order(who, number or 0, 0):
                self._session(session, [peer], number)

    def run(self):
        """Everything; an interrupt ends it early and leaves the figures that are there."""
        try:
            self.check()
            for number in range(self.rounds):
                self._round(number)
                self.progress.end_of_round(f"round {number + 1} of {self.rounds}")
            if self.latency:
                self._round(None)
                self.progress.end_of_round("latencies")
        except KeyboardInterrupt:
            self.interrupted = True
        self.progress.end()
