"""The options of install.py, what they do, and the one place where failures become sentences."""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path

from colorize_neural import __version__, settings
from colorize_neural.errors import ColorizeError

from installer import environment, gimps
from installer.environment import COMMAND, PLUG_IN, REPOSITORY
from installer.places import Places

SAMPLE = REPOSITORY / "samples" / "buffalo-1908.jpg"
_NOT_OURS = {  # failures of the machine: what the user can do is in the sentence of _about_files
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
    *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EIO, errno.ENAMETOOLONG),
}


def main() -> int:
    """Exit code 0, or 1 after one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a folder's name may be no text at all
    try:
        _follow(_parser().parse_args())
    except KeyboardInterrupt:
        return _say("Stopped: what was installed before is as it was.")
    except OSError as error:
        return _say(_about_files(error) if error.errno in _NOT_OURS else settings.sentence_of(error))
    except Exception as error:
        return _say(settings.sentence_of(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="install.py",
        description=f"Installs Colorize (neural) {__version__} for this user, or upgrades it: the plug-in for every "
        "GIMP 3 and the command colorize-neural. It needs no root, and some 600 MB of space.",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--check", action="store_true", help="install nothing: try what is installed")
    instead.add_argument("--uninstall", action="store_true", help="remove all that was installed")
    instead.add_argument("--demo", action="store_true", help="then colour a sample photograph, and say where it is")
    parser.add_argument(
        "--gimp-folder",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="the settings folder of the GIMP to install for, instead of every GIMP that is found; may be repeated",
    )
    return parser


def _follow(chosen: argparse.Namespace) -> None:
    places = Places(settings.data_folder())
    if chosen.check:
        _check(places)
    elif chosen.uninstall:
        _uninstall(places, gimps.find(chosen.gimp_folder))
    else:
        environment.require_venv()
        _install(places, gimps.find(chosen.gimp_folder))
        if chosen.demo:
            _demo(places)


def _install(places: Places, found: list[gimps.Gimp]) -> None:
    for gimp in found:
        print(f"Found {gimp.name}: {gimp.found}")
    with places.held():
        places.sweep()
        try:
            places.prepare(gimp.plug_ins for gimp in found)
            installation = environment.make(places.data)
            print("Colouring a photograph to check it ...", flush=True)
            _try_command(installation / COMMAND)
            print(f"It works. {_try_plug_in(installation / PLUG_IN)}")
            places.switch_to(installation)
            command = places.link_command()
        finally:
            places.sweep()
    for plug_in in places.plug_ins:
        print(f"Installed: {plug_in}")
    _say_what_next(places, command)


def _say_what_next(places: Places, command: Path) -> None:
    if places.plug_ins:
        print("In GIMP (start it anew): open a photograph and click Colors > Colorize (neural)...")
    else:
        print("No GIMP 3 was found: when there is one, run install.py again, perhaps with --gimp-folder DIR.")
    on_path = shutil.which(settings.NAME) == str(command)
    print(f"Without GIMP: {settings.NAME if on_path else environment.quoted(command)} PHOTO -o RESULT")


def _check(places: Places) -> None:
    if not places.command.is_file():
        raise ColorizeError("Colorize (neural) is not installed: run install.py without --check.")
    _try_command(places.command)
    print(f"{places.command}: works.")
    for plug_in in places.plug_ins:
        print(f"{plug_in}: works. {_try_plug_in(plug_in)}")


def _uninstall(places: Places, found: list[gimps.Gimp]) -> None:
    data = [places.data] if places.data.is_dir() else []  # being held makes it
    with places.held():
        removed = [*places.remove(gimp.plug_ins for gimp in found), *data]
    places.remove_data()
    for place in removed:
        print(f"Removed: {place}")
    if not removed:
        print("Nothing is installed.")


def _demo(places: Places) -> None:
    result = places.data / "demo" / SAMPLE.name
    result.parent.mkdir(exist_ok=True)
    environment.run([places.command, SAMPLE, "-o", result, "--overwrite"], "The sample cannot be coloured", ours=True)
    print(f"The sample photograph in colours: {result}")


def _try_command(command: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / SAMPLE.name
        environment.run([command, SAMPLE, "-o", result], "The command cannot colour a photograph", ours=True)
        if not result.is_file():
            raise ColorizeError("The command ends well but writes no photograph: please report this.")


def _try_plug_in(folder: Path) -> str:
    trial = Path(__file__).with_name("trial.py")
    command: list[str | Path] = [sys.executable, "-I", "-B", trial, folder]
    return environment.run(command, "The plug-in cannot colour a photograph", ours=True)


def _about_files(error: OSError) -> str:
    file = error.filename2 or error.filename or settings.data_folder()
    return (
        f"{os.fsdecode(file)} cannot be written ({error.strerror}): please make room for it or give yourself the right "
        "to write there, and run install.py again; what was installed before still works."
    )


def _say(sentence: str) -> int:
    with contextlib.suppress(OSError):
        print(sentence, file=sys.stderr)
    return 1
