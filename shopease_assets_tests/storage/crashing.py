"""A filesystem that dies at the n-th change, as a process does under kill -9: nothing works afterwards."""

from typing import Any, NoReturn

import pyarrow as pa
from pyarrow import fs


class Crash(BaseException):
    """The process is gone; nobody gets to clean up."""


def _never(handler: fs.FileSystemHandler, *paths: object) -> NoReturn:
    raise AssertionError(f"a lake must never ask {handler.get_type_name()} for this: {paths}")


class CrashingHandler(fs.FileSystemHandler):  # type: ignore[misc]
    """Delegates to another filesystem until its fuse has burnt down."""

    def __init__(self, filesystem: fs.FileSystem) -> None:
        self._filesystem = filesystem
        self.fuse: int | None = None

    def burn(self) -> None:
        """One change; raises Crash when it is the fatal one or a later one."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Crash

    def get_type_name(self) -> str:
        return "crashing"

    def normalize_path(self, path: str) -> str:
        return str(self._filesystem.normalize_path(path))

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        return list(self._filesystem.get_file_info(paths))

    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        return list(self._filesystem.get_file_info(selector))

    def create_dir(self, path: str, recursive: bool) -> None:
        self.burn()
        self._filesystem.create_dir(path, recursive=recursive)

    def delete_dir(self, path: str) -> None:
        for info in self._filesystem.get_file_info(fs.FileSelector(path, recursive=True)):
            self.delete_file(info.path)
        self.burn()
        self._filesystem.delete_dir(path)

    def delete_file(self, path: str) -> None:
        self.burn()
        self._filesystem.delete_file(path)

    def open_input_stream(self, path: str) -> Any:
        return self._filesystem.open_input_stream(path)

    def open_input_file(self, path: str) -> Any:
        return self._filesystem.open_input_file(path)

    def open_output_stream(self, path: str, metadata: object) -> Any:
        self.burn()
        return pa.PythonFile(_CrashingSink(self, self._filesystem.open_output_stream(path, compression=None)), mode="w")

    delete_dir_contents = delete_root_dir_contents = move = copy_file = open_append_stream = _never


class _CrashingSink:
    """A file that is cut off in the middle of a write."""

    def __init__(self, handler: CrashingHandler, sink: Any) -> None:
        self._handler = handler
        self._sink = sink
        self.closed = False

    def write(self, content: bytes) -> int:
        try:
            self._handler.burn()
        except Crash:
            self._sink.write(content[: len(content) // 2])
            raise
        self._sink.write(content)
        return len(content)

    def tell(self) -> int:
        return int(self._sink.tell())

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None:
        self._sink.close()
        self.closed = True
