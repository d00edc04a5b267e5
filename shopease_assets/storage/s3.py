"""S3 as an Arrow filesystem, as far as a lake needs one: whole objects are written, looked at, read and deleted.

Not Arrow's own: that one cannot ask for SSE-KMS and leaves zero-byte keys where a folder would be. It is for engines.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import NoReturn
from urllib.parse import urlsplit

import pyarrow as pa
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from pyarrow import fs

from shopease_assets import aws
from shopease_assets.core.errors import SettingsError

_IN_MEMORY_BYTES = 1 << 20  # of each open file; a larger one waits in a temporary file until it is whole
# Large objects go in parts of 8 MB, one after the other: a stage uploads many objects at once, and memory stays flat.
_ONE_BY_ONE = TransferConfig(use_threads=False)
_REQUESTS_AT_ONCE = 16
_DELETED_AT_ONCE = 1_000  # S3's limit
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_LOG_IN = "run under a role, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_CURES = {
    "NoSuchBucket": "make the bucket, or correct SHOPEASE_LAKE_URI",
    "AccessDenied": "let this role list, get, put and delete there, or correct SHOPEASE_LAKE_URI",
    "ExpiredToken": "log in again: the session is over",
    "InvalidAccessKeyId": _LOG_IN,
    "SignatureDoesNotMatch": _LOG_IN,
    "NoCredentialsError": _LOG_IN,
    "PartialCredentialsError": _LOG_IN,
}
_ELSE = "check the network, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL"


def _never(handler: fs.FileSystemHandler, *paths: object) -> NoReturn:
    raise OSError(f"{handler.get_type_name()}: a lake never does this to {paths}")


class S3Handler(fs.FileSystemHandler):  # type: ignore[misc]  # pyarrow has no types
    """Paths are `bucket/key`. A file is uploaded when it is closed: until then nobody, not even S3, has a part of it.

    Deleting a file that is being written gives it up. Every failure is an OSError that names the object.
    """

    def __init__(self, kms_key: str | None = None) -> None:
        """`kms_key`: the key (id, ARN or alias) objects are encrypted with; None: as the bucket says."""
        self._kms_key = kms_key
        self._uploads: dict[str, _Upload] = {}

    def __reduce__(self) -> tuple[type["S3Handler"], tuple[str | None]]:
        """Pickles without its open files."""
        return S3Handler, (self._kms_key,)

    def __eq__(self, other: object) -> bool:
        """Two that write alike are alike."""
        return isinstance(other, S3Handler) and other._kms_key == self._kms_key

    def __hash__(self) -> int:
        return hash(self._kms_key)

    def get_type_name(self) -> str:
        """What Arrow calls it."""
        return "shopease-s3"

    def normalize_path(self, path: str) -> str:
        """Paths are written one way only."""
        return path

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        """One HEAD an object, several at once; a folder is not found, since there is none."""
        with ThreadPoolExecutor(_REQUESTS_AT_ONCE) as pool:
            return list(pool.map(self._info, paths))

    def get_file_info_selector(self, selector: fs.FileSelector) -> list[fs.FileInfo]:
        """Every object below a folder, however deep."""
        bucket, prefix = _parts(selector.base_dir)
        found = []
        with _told_as_os_error(selector.base_dir):
            pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
            for page in pages:
                found += [
                    fs.FileInfo(f"{bucket}/{item['Key']}", fs.FileType.File, size=item["Size"])
                    for item in page.get("Contents", ())
                ]
        return found

    def create_dir(self, path: str, recursive: bool) -> None:
        """S3 has no folders; an object makes those of its key."""

    def delete_dir(self, path: str) -> None:
        """Deletes every object below it."""
        bucket, _ = _parts(path)
        keys = [_parts(info.path)[1] for info in self.get_file_info_selector(fs.FileSelector(path, recursive=True))]
        with _told_as_os_error(path):
            for start in range(0, len(keys), _DELETED_AT_ONCE):
                named = [{"Key": key} for key in keys[start : start + _DELETED_AT_ONCE]]
                answer = aws.client("s3").delete_objects(Bucket=bucket, Delete={"Objects": named, "Quiet": True})
                for error in answer.get("Errors", ()):
                    raise OSError(f"s3://{bucket}/{error['Key']} was not deleted: {error['Code']} {error['Message']}")

    def delete_file(self, path: str) -> None:
        """Deletes an object; one that is still being written, or could not be uploaded, without asking S3."""
        upload = self._uploads.pop(path, None)
        if upload is not None:
            upload.give_up()
            return
        bucket, key = _parts(path)
        with _told_as_os_error(path):
            aws.client("s3").delete_object(Bucket=bucket, Key=key)

    def open_input_file(self, path: str) -> pa.NativeFile:
        """Fetched whole, and kept in a temporary file when large: only who copies versions reads here."""
        bucket, key = _parts(path)
        content = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115 - closed by Arrow
        with _told_as_os_error(path):
            aws.client("s3").download_fileobj(bucket, key, content, Config=_ONE_BY_ONE)
        content.seek(0)
        return pa.PythonFile(content, mode="r")

    open_input_stream = open_input_file

    def open_output_stream(self, path: str, metadata: object) -> pa.PythonFile:  # noqa: ARG002 - Arrow's signature
        """A file that becomes an object when it is closed."""
        self._uploads[path] = upload = _Upload(self, path)
        return pa.PythonFile(upload, mode="w")

    def upload(self, path: str, content: SpooledTemporaryFile[bytes]) -> None:
        """Called by a file that is closed: sends its content, in parts when it is large."""
        bucket, key = _parts(path)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self._kms_key} if self._kms_key else {}
        with _told_as_os_error(path):
            aws.client("s3").upload_fileobj(content, bucket, key, ExtraArgs=encryption, Config=_ONE_BY_ONE)
        del self._uploads[path]

    # What Arrow's interface demands and a lake never does: published files are neither moved nor changed.
    delete_dir_contents = delete_root_dir_contents = move = copy_file = open_append_stream = _never

    def _info(self, path: str) -> fs.FileInfo:
        bucket, key = _parts(path)
        try:
            with _told_as_os_error(path):
                found = aws.client("s3").head_object(Bucket=bucket, Key=key)
        except FileNotFoundError:
            return fs.FileInfo(path, fs.FileType.NotFound)
        return fs.FileInfo(path, fs.FileType.File, size=found["ContentLength"])


def check_bucket(path: str) -> None:
    """Raises SettingsError when the bucket of a path cannot be used, or is not in the region that is set."""
    bucket, _ = _parts(path)
    s3 = aws.client("s3")
    try:
        try:
            found = s3.head_bucket(Bucket=bucket)
        except ClientError:  # a HEAD is answered by a number only; a listing says why
            found = {}
            s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except (BotoCoreError, ClientError) as error:
        kind, reason = type(error).__name__, str(error)
        if isinstance(error, ClientError):
            kind, reason = _said(error)
            reason = f"{kind} {reason}"
        raise SettingsError(f"the lake in s3://{path} cannot be opened ({reason}); {_CURES.get(kind, _ELSE)}") from None
    region = found.get("BucketRegion", s3.meta.region_name)
    if region != s3.meta.region_name:
        raise SettingsError(
            f"the lake in s3://{path} is in {region}, not {s3.meta.region_name}; set AWS_DEFAULT_REGION={region}"
        )


def reader() -> fs.S3FileSystem:
    """Arrow's own S3 filesystem: reads in parallel, and only the ranges asked for.

    Engines are given this one: theirs are threads without Python, and a handler in Python can lock up with them. It
    asks again like all others, unless S3 refuses (503) a range that is shorter than its refusal, some 300 bytes.
    """
    options = connection()
    return fs.S3FileSystem(
        region=options["aws_region"],
        endpoint_override=options.get("aws_endpoint_url"),
        connect_timeout=aws.CONNECT_SECONDS,
        request_timeout=aws.READ_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=aws.ATTEMPTS),
    )


def connection() -> dict[str, str | int]:
    """Where S3 is and how often to ask it, in the words of Polars' `storage_options`.

    boto3 alone reads AWS's variables and files; Polars asks it for credentials by itself.
    """
    meta = aws.client("s3").meta
    options: dict[str, str | int] = {
        "aws_region": meta.region_name,
        "connect_timeout": f"{aws.CONNECT_SECONDS}s",
        "timeout": f"{aws.READ_SECONDS}s",
        "max_retries": aws.ATTEMPTS - 1,
        "retry_timeout_ms": aws.ATTEMPTS * aws.READ_SECONDS * 1000,
    }
    endpoint = urlsplit(meta.endpoint_url)
    if not (endpoint.netloc.startswith("s3.") and ".amazonaws.com" in endpoint.netloc):
        options |= {"aws_endpoint_url": meta.endpoint_url, "aws_allow_http": str(endpoint.scheme == "http").lower()}
    return options


class _Upload:
    """A file being written: kept here until it is closed."""

    def __init__(self, handler: S3Handler, path: str) -> None:
        self._handler = handler
        self._path = path
        self._content: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115
        self._size = 0
        self.closed = False

    def write(self, content: bytes) -> int:
        self._content.write(content)
        self._size += len(content)
        return len(content)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """S3 keeps whole objects only."""

    def give_up(self) -> None:
        self.closed = True
        self._content.close()

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        with self._content:
            self._content.seek(0)
            self._handler.upload(self._path, self._content)


@contextmanager
def _told_as_os_error(path: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code, message = _said(error)
        kind = FileNotFoundError if code in _ABSENT else OSError
        raise kind(f"s3://{path}: {error.operation_name}: {code} {message}") from error
    except BotoCoreError as error:
        raise OSError(f"s3://{path}: {error}") from error


def _said(error: ClientError) -> tuple[str, str]:
    said = error.response.get("Error", {})
    return str(said.get("Code")), str(said.get("Message", ""))


def _parts(path: str) -> tuple[str, str]:
    bucket, _, key = path.partition("/")
    return bucket, key
