# SPDX-License-Identifier: MIT
# Copyright (c) The fastskip authors

"""Packages of Debian that the programs of this directory call."""

import os
import shutil
import subprocess


def install_missing(needed):
    """Installs what is not there. needed maps a program to the packages that it comes with."""
    missing = [package for tool, packages in needed.items() if shutil.which(tool) is None
               for package in packages.split()]
    if not missing:
        return
    print("installing " + " ".join(missing), flush=True)
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    quiet = {"check": False, "stdout": subprocess.DEVNULL}
    subprocess.run([*root, "apt-get", "update", "-q"], **quiet)
    subprocess.run([*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y",
                    "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *missing],
                   **{**quiet, "check": True})
