"""A small LSM engine front: threads write, full tables are sealed, flushed to sorted files, dropped.

    python3 examples/lifecycle.py [DIRECTORY]
"""

from __future__ import annotations

import heapq
import queue
import struct
import sys
import tempfile
import threading
from pathlib import Path
from typing import Iterator, List, Optional, Tuple

import fastskip

RECORD = struct.Struct("<HIB")  # sizes of key and value, and kind; key and value follow


class Engine:
    """Writers share one table. Whoever finds it full rotates it; one thread flushes the sealed."""

    def __init__(self, directory: Path, memory_limit: int) -> None:
        self.directory = directory
        self.files: List[Path] = []  # oldest first
        self._table = fastskip.Table(memory_limit=memory_limit)
        self._rotating = threading.Lock()
        self._sealed: "queue.Queue[Optional[fastskip.Table]]" = queue.Queue()
        self._flusher = threading.Thread(target=self._flush_all)
        self._flusher.start()

    def put(self, key: bytes, value: bytes) -> None:
        self._write(key, value)

    def delete(self, key: bytes) -> None:
        self._write(key, None)

    def close(self) -> None:
        """Flushes what is left. Writers must have stopped."""
        self._table.seal()
        self._sealed.put(self._table)
        self._sealed.put(None)
        self._flusher.join()

    def _write(self, key: bytes, value: Optional[bytes]) -> None:
        while True:
            table = self._table
            try:
                if value is None:
                    del table[key]
                else:
                    table[key] = value
                break
            except (fastskip.SealedError, fastskip.FullError):
                self._rotate(table)
            except fastskip.ClosedError:
                pass  # it was rotated, flushed and dropped since we looked: there is another
        try:
            if table.under_backpressure:  # full soon: better now than in the next write
                self._rotate(table)
        except fastskip.ClosedError:
            pass

    def _rotate(self, table: fastskip.Table) -> None:
        with self._rotating:
            if table is self._table and not table.sealed:  # else another thread was first
                self._table = table.rotate()
                self._sealed.put(table)

    def _flush_all(self) -> None:
        while True:
            table = self._sealed.get()
            if table is None:
                return
            path = self.directory / f"{len(self.files):06d}.run"
            flush(table, path)
            self.files.append(path)
            table.close()  # its memory goes in one go


def flush(table: fastskip.Table, path: Path) -> None:
    """Writes a sealed table to a file: tombstones too, for older files may hold the keys."""
    with open(path, "wb") as file:
        for entry in table.views.entries(tombstones=True):  # values are not copied
            file.write(RECORD.pack(len(entry.key), len(entry.value), entry.kind))
            file.write(entry.key)
            file.write(entry.value)


def read(path: Path) -> Iterator[Tuple[bytes, int, bytes]]:
    """Keys, kinds and values of a file, in order."""
    with open(path, "rb") as file:
        while header := file.read(RECORD.size):
            key_size, value_size, kind = RECORD.unpack(header)
            key = file.read(key_size)
            yield key, kind, file.read(value_size)


def merge(paths: List[Path]) -> Iterator[Tuple[bytes, bytes]]:
    """What is live in all files together: of each key the newest, unless it is a tombstone."""

    def numbered(age: int, path: Path) -> Iterator[Tuple[bytes, int, int, bytes]]:
        return ((key, age, kind, value) for key, kind, value in read(path))

    previous = None
    newest_first = [numbered(-number, path) for number, path in enumerate(paths)]
    for key, _, kind, value in heapq.merge(*newest_first):
        if key != previous and kind != fastskip.DELETE:
            yield key, value
        previous = key


def main(directory: Path, writers: int = 4, each: int = 5000) -> None:
    engine = Engine(directory, memory_limit=512 << 10)

    def write(which: int) -> None:
        for i in range(each):
            key = b"%d/%06d" % (which, i)
            engine.put(key, b"first")
            if i % 3 == 0:
                engine.put(key, b"second")
            elif i % 3 == 1:
                engine.delete(key)

    threads = [threading.Thread(target=write, args=(which,)) for which in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.close()

    records = [sum(1 for _ in read(path)) for path in engine.files]
    print(f"{len(records)} sorted files with {sum(records)} records")
    expected = [
        (b"%d/%06d" % (which, i), b"second" if i % 3 == 0 else b"first")
        for which in range(writers)
        for i in range(each)
        if i % 3 != 1
    ]
    found = list(merge(engine.files))
    if found != expected or len(records) < 2:
        sys.exit("what the files hold is not what was written")
    print(f"{len(found)} keys are live, as they should be")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
