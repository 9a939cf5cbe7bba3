"""Fetches one file whose SHA-256 is known; a download that was broken off goes on where it stopped.

    https address, SHA-256  ->  folder/SHA-256, which is there only when it is whole and right

Proxies are those of the environment (https_proxy, no_proxy). Plain http serves this very computer only.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from colorize_neural.errors import ColorizeError
from colorize_neural.worker.trial import LARGEST

_SILENCE = 30.0  # seconds without a byte
_ATTEMPTS = 5  # without any progress
_PIECE = 1 << 18
_TOLD_EVERY = 20_000_000  # bytes
_HERE = ("localhost", "127.0.0.1", "::1")
_PARTIAL = 206
_PAST_THE_END = 416
_TOO_MANY = 429
_PLAIN = "%/:?#[]@!$&'()*+,;=~"  # what stays as it is in an address

Progress = Callable[[int, int | None], None]


def download(url: str, sha256: str, folder: Path, progress: Progress, silence: float = _SILENCE) -> Path:
    """progress is told bytes and, where it is known, of how many; ColorizeError says what to do."""
    _check_address(url)
    whole, part = folder / sha256, folder / f"{sha256}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if whole.exists() and _sha256(whole) == sha256:  # fetched before, and then refused: perhaps for its name
            return whole
        _fetch_all(url, part, progress, silence)
        if _sha256(part) != sha256:
            part.unlink()
            raise ColorizeError(f"What {url} sent is not the file of that SHA-256: check both, and try again.")
        part.replace(whole)
    except OSError as error:
        raise ColorizeError(
            f"{error.filename or part} cannot be written ({error.strerror}): make room there."
        ) from error
    return whole


def _fetch_all(url: str, part: Path, progress: Progress, silence: float) -> None:
    """Goes on after each break; gives up where several attempts in turn brought nothing."""
    fruitless = 0
    while True:
        before = _size(part)
        try:
            _fetch(url, part, progress, silence)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != _TOO_MANY:
                raise ColorizeError(f"{url} answers {error.code} ({error.reason}): check the address.") from error
            fruitless = 0 if _size(part) > before else fruitless + 1
            if fruitless == _ATTEMPTS:
                reason = getattr(error, "reason", None) or error
                raise ColorizeError(
                    f"{url} cannot be fetched ({reason}): check the connection and the proxy; the same command goes on "
                    "where it stopped."
                ) from error
            time.sleep(silence / _SILENCE * 2**fruitless)
        else:
            return


def _fetch(url: str, part: Path, progress: Progress, silence: float) -> None:
    """The rest of the file, or all of it where the server knows no rest."""
    had = _size(part)
    request = urllib.request.Request(urllib.parse.quote(url, _PLAIN), headers={"Range": f"bytes={had}-"} if had else {})
    opener = urllib.request.build_opener(_SafeRedirects)
    try:
        answer = opener.open(request, timeout=silence)
    except urllib.error.HTTPError as error:
        if error.code == _PAST_THE_END:  # it was whole
            return
        raise
    with answer, part.open("ab" if answer.status == _PARTIAL else "wb") as file:
        done = file.tell()
        length = answer.headers["Content-Length"]
        size = done + int(length) if length else None
        _check_size(url, size or 0)
        told = done
        for piece in _pieces(answer):
            file.write(piece)
            done += len(piece)
            _check_size(url, done)
            if done - told >= _TOLD_EVERY:
                progress(done, size)
                told = done
        file.flush()
        os.fsync(file.fileno())
    if size is not None and done < size:
        raise http.client.IncompleteRead(b"", size - done)


def _pieces(answer: Any) -> Iterator[bytes]:
    """What fails here is the network, and not the disk."""
    try:
        while piece := answer.read1(_PIECE):
            yield piece
    except OSError as error:
        raise http.client.HTTPException(error.strerror or str(error)) from error


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows to what could have been asked for in the first place."""

    def redirect_request(  # noqa: PLR0917 - as urllib has it
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        _check_address(newurl)
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise ColorizeError(f"{req.full_url} leads to {newurl}, which is no https address: use another.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_address(url: str) -> None:
    with contextlib.suppress(ValueError):
        parts = urllib.parse.urlsplit(url)
        if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)):
            return
    raise ColorizeError(f"{url} is no https address: models are fetched over https only.")


def _check_size(url: str, size: int) -> None:
    if size > LARGEST:
        raise ColorizeError(f"{url} has more than 1 GB: use a smaller model.")


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
