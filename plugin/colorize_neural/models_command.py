"""`colorize-neural models`: what models there are; to add and to remove some.

models [list]     models info ID     models add FILE_OR_URL [options]     models remove ID     models verify
"""

from __future__ import annotations

import argparse
import re
import sys
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from colorize_neural import added, settings
from colorize_neural.download import download
from colorize_neural.errors import ColorizeError
from colorize_neural.parser import Parser
from colorize_neural.worker.adapters import ADAPTERS
from colorize_neural.worker.models import Model, check_intact, content_of, digest_of, find_model, read_added

_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNKNOWN_LICENCE = "unknown, for the file does not say; ask where you got it before you publish its results"


def main(arguments: Sequence[str]) -> int:
    """Exit code 0, or 1 after sentences on stderr; ColorizeError where nothing could be done."""
    chosen = _parser().parse_args(arguments or ["list"])
    return int(chosen.run(chosen))


def _list(_chosen: argparse.Namespace) -> int:
    models = added.known_models()
    rows = [("id", "title", "kind", "temperature", "size"), *map(_row, models)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip(), flush=True)
    print(f"Without --model, it is {models[0].id}.")
    return 0


def _row(model: Model) -> tuple[str, ...]:
    temperature = "ignored" if model.default_temperature is None else f"{model.default_temperature:g}"
    return model.id, model.title, model.kind, temperature, _size(model)


def _info(chosen: argparse.Namespace) -> int:
    _tell(find_model(added.known_models(), chosen.id))
    return 0


def _add(chosen: argparse.Namespace) -> int:
    if chosen.sha256 and not _SHA256.fullmatch(chosen.sha256.lower()):
        raise ColorizeError("A SHA-256 has 64 digits from 0 to f: copy it from the page that offers the model.")
    sha256 = chosen.sha256.lower() if chosen.sha256 else None
    is_address = "://" in chosen.source
    file = _fetched(chosen.source, sha256) if is_address else Path(chosen.source)
    name = Path(urllib.parse.urlsplit(chosen.source).path if is_address else file).stem
    model = added.add(file, name, chosen.id, chosen.adapter, sha256)
    if is_address:
        file.unlink()
    print(f"Added {model.id}; GIMP offers it when it is started anew.")
    _tell(model)
    return 0


def _fetched(url: str, sha256: str | None) -> Path:
    if sha256 is None:
        raise ColorizeError("An address needs --sha256: copy it from the page that offers the model.")
    return download(url, sha256, settings.data_folder() / "downloads", _progress)


def _remove(chosen: argparse.Namespace) -> int:
    print(f"Removed {added.remove(chosen.id).id}.")
    return 0


def _verify(_chosen: argparse.Namespace) -> int:
    failures = 0
    try:
        read_added(settings.added_models_folder())
    except ColorizeError as error:
        failures += 1
        print(error, file=sys.stderr)
    for model in added.known_models():
        try:
            check_intact(model, digest_of(content_of(model)))
            print(f"{model.id}: intact")
        except ColorizeError as error:
            failures += 1
            print(error, file=sys.stderr)
    return min(failures, 1)


def _tell(model: Model) -> None:
    temperature = "ignored" if model.default_temperature is None else f"{model.default_temperature:g} by default"
    facts = {
        "Title": model.title,
        "Description": model.description,
        "Licence": model.licence or _UNKNOWN_LICENCE,
        "Trained on": model.trained_on or "unknown",
        "Temperature": temperature,
        "Adapter": ADAPTERS[model.adapter].title if model.adapter else "none, it is a model of ours",
        "File": f"{model.file}, {_size(model)}",
        "SHA-256": model.sha256,
    }
    for name, fact in facts.items():
        print(f"{name + ':':13}{fact}")


def _size(model: Model) -> str:
    return f"{model.file.stat().st_size / 1e6:.1f} MB" if model.file.exists() else "missing"


def _progress(done: int, size: int | None) -> None:
    print(f"Fetched {done / 1e6:.0f}{f' of {size / 1e6:.0f}' if size else ''} MB", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog=f"{settings.NAME} models", description="Lists, adds and removes models.")
    does = parser.add_subparsers(metavar="ACTION", required=True)
    does.add_parser("list", help="all models (default)").set_defaults(run=_list)
    info = does.add_parser("info", help="what is known of one, its licence too")
    info.add_argument("id", metavar="ID")
    info.set_defaults(run=_info)
    add = does.add_parser("add", help="try an ONNX file and keep it")
    add.add_argument("source", metavar="FILE_OR_URL", help="an ONNX file, or its https address with --sha256")
    add.add_argument("--adapter", choices=[*ADAPTERS], help="what kind of foreign model it is (default: recognised)")
    add.add_argument("--id", help="its name here (default: the file's)")
    add.add_argument("--sha256", help="what the file must be: 64 digits")
    add.set_defaults(run=_add)
    remove = does.add_parser("remove", help="take an added one away")
    remove.add_argument("id", metavar="ID")
    remove.set_defaults(run=_remove)
    does.add_parser("verify", help="look whether all files are intact").set_defaults(run=_verify)
    return parser
