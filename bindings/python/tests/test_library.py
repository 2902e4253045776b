"""That the binding is the whole of the header and agrees with it, and how it finds the library."""

from __future__ import annotations

import ast
import ctypes
import doctest
import importlib
import os
import pkgutil
import re
import struct
import subprocess
import sys
import unittest
from pathlib import Path
from typing import Dict, Set

import fastskip
from fastskip import _errors, _library, _scan

PACKAGE = Path(fastskip.__file__).parent
ROOT = Path(__file__).resolve().parents[3]
HEADER = ROOT / "include" / "fastskip.h"


def exported() -> Set[str]:
    """What the library exports, without the prefix."""
    lines = (ROOT / "abi" / "fastskip.symbols").read_text().split()
    return {line.split("@")[0][len("fastskip_") :] for line in lines}


def used() -> Set[str]:
    """Functions of the library that the package's code names: attributes of its `Calls`."""
    names = set()
    for path in PACKAGE.glob("*.py"):
        if path.name == "_library.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute):
                of = node.value
                owner = of.attr if isinstance(of, ast.Attribute) else getattr(of, "id", None)
                if owner in ("CALLS", "_CALLS", "_c", "calls"):
                    names.add(node.attr)
    return names


class Coverage(unittest.TestCase):
    def test_every_exported_function_is_bound(self) -> None:
        self.assertGreater(len(exported()), 50)
        bound = vars(_library.CALLS)
        fast = {name for name in bound if name.startswith("fast_")}
        self.assertEqual(set(bound) - fast, exported())
        self.assertLessEqual({name[len("fast_") :] for name in fast}, exported())

    def test_every_exported_function_is_used(self) -> None:
        self.assertLess(exported(), used())
        self.assertEqual(used(), set(vars(_library.CALLS)))

    def test_prototypes_are_those_of_the_header(self) -> None:
        """Number of parameters, and the size of each number among them."""
        text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
        sizes = {"uint64_t": 8, "uint32_t": 4, "int32_t": 4, "fastskip_status": 4, "void": 0,
                 "size_t": ctypes.sizeof(ctypes.c_size_t)}  # fmt: skip
        found = re.findall(r"FASTSKIP_API\s+([^;]*?)fastskip_(\w+)\(([^;]*)\);", text)
        self.assertEqual({name for _, name, _ in found}, exported())
        for result, name, parameters in found:
            function = vars(_library.CALLS)[name]
            declared = [] if parameters == "void" else parameters.split(",")
            self.assertEqual(len(function.argtypes), len(declared), name)
            for python, c in zip(function.argtypes, declared):
                kind = sizes.get(c.split()[0] if "*" not in c else "", ctypes.sizeof(ctypes.c_void_p))
                self.assertEqual(ctypes.sizeof(python), kind, f"{name}: {c}")
            if "*" not in result and result.strip() != "void":
                self.assertEqual(ctypes.sizeof(function.restype), sizes[result.strip()], name)


class Agreement(unittest.TestCase):
    def constants(self) -> Dict[str, int]:
        text = HEADER.read_text()
        found = re.findall(r"^#define FASTSKIP_(\w+) (\d+)(?:u|ull)?$", text, flags=re.M)
        found += re.findall(r"^    FASTSKIP_(\w+) = (-?\d+),?$", text, flags=re.M)
        return {name: int(number) for name, number in found}

    def test_constants(self) -> None:
        header = self.constants()
        ours: Dict[str, int] = {
            name: getattr(fastskip, name)
            for name in ("KEY_MAX", "VALUE_MAX", "SEQUENCE_MAX", "KIND_OWN_MIN", "KIND_MAX", "PUT", "DELETE")
        }
        ours.update({"TOMBSTONES": _scan.TOMBSTONES, "ALL_VERSIONS": _scan.ALL_VERSIONS, "OK": 0})
        ours.update({f"SEQUENCE_{mode.name}": mode.value for mode in fastskip.SequenceMode})
        ours.update({f"HUGE_PAGES_{mode.name}": mode.value for mode in fastskip.HugePages})
        ours.update({f"STAT_{stat.name}": stat.value for stat in fastskip.Stat})
        for status, error in _errors._BY_STATUS.items():
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", error.__name__[: -len("Error")]).upper()
            ours[name] = status
        for part, number in zip(("MAJOR", "MINOR", "PATCH"), fastskip.__version__.split(".")):
            ours[f"VERSION_{part}"] = int(number)
        self.assertEqual(ours, header)

    def test_entry_layout(self) -> None:
        self.assertEqual(struct.calcsize(_library.ENTRY_FORMAT), ctypes.sizeof(_library.RawEntry))
        text = HEADER.read_text()
        body = text[text.index("typedef struct fastskip_entry {") : text.index("} fastskip_entry;")]
        fields = re.findall(r"^    (?:const void \*|\w+ )(\w+);$", body, flags=re.M)
        self.assertEqual([field[0] for field in _library.RawEntry._fields_], fields)

    def test_every_status_has_its_words(self) -> None:
        for status, error in _errors._BY_STATUS.items():
            self.assertEqual(error().status, status)
            self.assertEqual(str(error()), _library.CALLS.strerror(status).decode())
        unknown = _errors.error_of(-999)
        self.assertIs(type(unknown), fastskip.FastskipError)
        self.assertEqual(unknown.status, -999)

    def test_versions(self) -> None:
        self.assertEqual(fastskip.library_version().split(".")[0], "1")
        self.assertTrue(fastskip.library_build())


class Loading(unittest.TestCase):
    def load(self, **environment: str) -> "subprocess.CompletedProcess[str]":
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in ("FASTSKIP_LIBRARY", "LD_LIBRARY_PATH", "PKG_CONFIG_PATH")
        }
        kept.update(environment)
        program = "import fastskip; print(fastskip.library_version())"
        return subprocess.run(
            [sys.executable, "-c", program], env=kept, cwd=PACKAGE.parent,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        )  # fmt: skip

    def loads(self, **environment: str) -> None:
        run = self.load(**environment)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(run.stdout.strip(), fastskip.library_version())

    @unittest.skipUnless("FASTSKIP_LIBRARY" in os.environ, "the library is an installed one")
    def test_by_name_soname_and_pkg_config(self) -> None:
        library = Path(os.environ["FASTSKIP_LIBRARY"])
        self.loads(FASTSKIP_LIBRARY=str(library))
        self.loads(LD_LIBRARY_PATH=str(library.parent))
        self.loads(PKG_CONFIG_PATH=str(library.parent / "pkgconfig"))

    def test_says_why_it_can_not(self) -> None:
        run = self.load(FASTSKIP_LIBRARY="/nonexistent/libfastskip.so.1")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("ImportError: libfastskip 1 is not installed: /nonexistent", run.stderr)
        run = self.load(FASTSKIP_LIBRARY="libc.so.6")
        self.assertIn("ImportError: libfastskip 1 is not installed", run.stderr)
        self.assertIn("fastskip_put", run.stderr)


class Documentation(unittest.TestCase):
    def test_docstrings(self) -> None:
        attempted = 0
        for module in pkgutil.iter_modules([str(PACKAGE)], "fastskip."):
            results = doctest.testmod(importlib.import_module(module.name))
            self.assertEqual(results.failed, 0, module.name)
            attempted += results.attempted
        results = doctest.testmod(fastskip)
        self.assertEqual(results.failed, 0)
        self.assertGreater(attempted + results.attempted, 30)

    def test_everything_public_has_one(self) -> None:
        for name in fastskip.__all__:
            thing = getattr(fastskip, name)
            if not callable(thing):
                continue
            self.assertTrue(thing.__doc__, name)
            for member, value in vars(thing).items() if isinstance(thing, type) else ():
                if not member.startswith("_") and (callable(value) or isinstance(value, property)):
                    self.assertTrue(value.__doc__, f"{name}.{member}")

    def test_all_is_what_the_package_exports(self) -> None:
        public = {name for name in vars(fastskip) if not name.startswith("_") and name != "annotations"}
        self.assertEqual(set(fastskip.__all__), public)


if __name__ == "__main__":
    unittest.main()
