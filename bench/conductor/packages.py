# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""Packages of Debian that the programs of this directory call."""

import os
import subprocess

APT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "apt.sh")


def install_missing(needed):
    """Installs what is not there. needed maps a program to the packages that it comes with."""
    pairs = [word for tool, packages in needed.items() for package in packages.split()
             for word in (tool, package)]
    subprocess.run(["bash", "-c", '. "$0" && install_missing "$@"', APT, *pairs], check=True)
