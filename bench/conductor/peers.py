# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""Peers as programs, and one process of a peer, which is given commands."""

import json
import subprocess


class PeerFailed(Exception):
    """A peer gave a wrong answer, or ended."""


class Process:
    """A peer's program at work on one file of keys."""

    def __init__(self, name, program, keyfile, value_bytes, operations):
        self.name = name
        self.child = subprocess.Popen(
            [program, keyfile, str(value_bytes), str(operations)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.about = self._answer()

    def _answer(self):
        line = self.child.stdout.readline()
        if line:
            return json.loads(line)
        message = self.child.stderr.read().strip()
        self.child.wait()
        raise PeerFailed(message or f"{self.name}: ended with status {self.child.returncode}")

    def ask(self, command):
        """Sends a command and returns what the answer says."""
        try:
            self.child.stdin.write(command + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            pass  # the answer tells why
        return self._answer()

    def close(self):
        """Ends the process, whatever state it is in."""
        if self.child.poll() is None:
            try:
                self.child.stdin.close()
            except BrokenPipeError:
                pass
            self.child.wait()
        self.child.stdout.close()
        self.child.stderr.close()


def read_list(path):
    """What bench/peers/get has left: names of peers that are there, and why others are not."""
    there, absent = [], {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            name, _, status = line.rstrip("\n").partition("\t")
            if status == "ok":
                there.append(name)
            else:
                absent[name] = status
    return there, absent
