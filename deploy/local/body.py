"""HTTP bodies in the encodings that ClickHouse's clients use, bounded in memory on the way in."""

import io
import re
import zlib
from typing import IO

import lz4.frame  # type: ignore[import-untyped]
import zstandard


class BadBody(Exception):
    """Not what its headers say."""


class BodyTooLarge(Exception):
    """More bytes than allowed, on the wire or unpacked."""


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """`data` unpacked; never holds more than `limit` bytes of it. Raises BadBody, BodyTooLarge."""
    if not data or encoding in ("", "identity"):
        return data
    stream: IO[bytes]
    try:
        if encoding == "zstd":
            stream = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True)
            out = stream.read(limit + 1)
        elif encoding == "lz4":
            out = lz4.frame.LZ4FrameFile(io.BytesIO(data)).read(limit + 1)
        elif encoding in ("gzip", "deflate"):
            out = zlib.decompressobj(wbits=47).decompress(data, limit + 1)
        else:
            raise BadBody(f"Content-Encoding {encoding} is not one of zstd, lz4, gzip")
    except (zstandard.ZstdError, RuntimeError, EOFError, OSError, zlib.error) as error:
        raise BadBody(f"the body is not {encoding}: {error}") from error
    if len(out) > limit:
        raise BodyTooLarge(f"the unpacked body is larger than {limit} bytes")
    return out


def compress(data: bytes, accepted: str) -> tuple[str, bytes]:
    """(encoding, packed) in the first of the client's encodings that is spoken here; ("", data) if none is."""
    for name in (part.split(";")[0].strip() for part in accepted.split(",")):
        if name == "zstd":
            return name, zstandard.ZstdCompressor(level=1).compress(data)
        if name == "lz4":
            return name, lz4.frame.compress(data)
        if name == "gzip":
            return name, zlib.compress(data, 1, wbits=31)
    return "", data


def form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart/form-data body. Raises BadBody."""
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if boundary is None:
        raise BadBody("a form without a boundary")
    fields: dict[str, str] = {}
    for part in body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if name is None:
            raise BadBody("a part of the form has no name")
        try:
            fields[name[1].decode()] = value.removesuffix(b"\r\n").decode()
        except UnicodeDecodeError as error:
            raise BadBody("a part of the form is not UTF-8") from error
    return fields
