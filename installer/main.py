"""The options of install.py, what they do, and the one place where failures become sentences."""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import os
import shutil
import sys
from pathlib import Path

from colorize_neural import __version__, settings
from colorize_neural.errors import ColorizeError

from installer import doctor, environment, gimps, packages, processes, runtimes, sides
from installer.environment import COMMAND, FRONT_ENDS
from installer.gimps import Gimp
from installer.places import Places
from installer.runtimes import CPU, Build
from installer.sides import Side

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
        "GIMP 2.10 and 3, and the command colorize-neural. It needs no root, and some 400 MB of space.",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--check", action="store_true", help="install nothing: look whether all is well")
    instead.add_argument("--uninstall", action="store_true", help="remove all that was installed")
    instead.add_argument("--demo", action="store_true", help="then colour a sample photograph, and say where it is")
    instead.add_argument(
        "--prepare-offline",
        type=Path,
        metavar="FOLDER",
        help="install nothing: put into FOLDER all that is fetched, for --offline on a machine like this one",
    )
    parser.add_argument("--offline", type=Path, metavar="FOLDER", help="fetch nothing: take the packages in FOLDER")
    parser.add_argument(
        "--device",
        default=runtimes.AUTO,
        choices=[runtimes.AUTO, *runtimes.BUILDS],
        help="which build of ONNX Runtime to take (default: what this machine is seen to have)",
    )
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
    if chosen.check:
        _check(chosen.gimp_folder)
    elif chosen.uninstall:
        _uninstall(gimps.find(chosen.gimp_folder))
    else:
        packages.require_venv()
        if chosen.offline and not chosen.offline.is_dir():
            raise ColorizeError(f"There is no folder {chosen.offline}: please have it made by --prepare-offline.")
        found = gimps.find(chosen.gimp_folder)
        for gimp in found:
            print(f"Found {gimp.name}: {gimp.found}")
        build, why = runtimes.choose(chosen.device, runtimes.seen())
        print(f"Taking the {build.name} build of ONNX Runtime: {why}.")
        if chosen.prepare_offline:
            _prepare_offline(chosen.prepare_offline, found, build)
        else:
            _install(found, build, chosen.offline)
            if chosen.demo:
                _demo(Places(sides.this_machine()))


def _sides_of(found: list[Gimp]) -> list[Side]:
    """This machine, for the command, and where else one of the GIMPs runs."""
    return list(dict.fromkeys([sides.this_machine(), *(gimp.side for gimp in found)]))


def _install(found: list[Gimp], build: Build, wheels: Path | None) -> None:
    for gimp in found:
        gimps.start_once(gimp)
    commands, failures = [], []
    for side in _sides_of(found):
        try:
            of_side = [gimp for gimp in found if gimp.side == side]
            commands.append(_install_on(Places(side), of_side, CPU if side.name else build, wheels))
        except ColorizeError as error:
            if not side.name:
                raise
            failures.append(f"For GIMP's {side.name} nothing was installed: {error}")
    _say_what_next(commands[0], found)
    if failures:
        raise ColorizeError(" ".join(failures))


def _install_on(places: Places, found: list[Gimp], build: Build, wheels: Path | None) -> Path:
    """Makes one side's installation and switches to it -> its command."""
    if places.side.name:
        print(f"GIMP's {places.side.name} gets an environment of its own, by its own Python.", flush=True)
    with places.held():
        places.sweep()
        try:
            places.prepare(found)
            places.switch_to(_made(places.side, build, wheels))
            command = places.link_command()
        finally:
            places.sweep()
    for place in places.plug_ins:
        print(f"Installed: {place}")
    return command


def _made(side: Side, build: Build, wheels: Path | None) -> Path:
    """A new installation that works; with the build for the processor, where the chosen one does not run."""
    installation = environment.make(side, build, wheels)
    print("Colouring a photograph to check it ...", flush=True)
    try:
        if build != CPU:
            doctor.try_plug_in(side, installation / FRONT_ENDS[0], "gpu")
    except ColorizeError as error:
        print(f"The {build.name} build does not run here, so the cpu build is taken instead. ({error})")
        if build.lock != CPU.lock:
            return _made(side, CPU, wheels)
    doctor.try_command(side, installation / COMMAND)
    print(f"It works. {doctor.try_plug_in(side, installation / FRONT_ENDS[0])}")
    return installation


def _prepare_offline(wheels: Path, found: list[Gimp], build: Build) -> None:
    for side in _sides_of(found):
        packages.fetch(side, [CPU] if side.name else [CPU, build], wheels)
    print(f"All packages are in {wheels.absolute()}: now run install.py --offline with that folder.")


def _say_what_next(command: Path, found: list[Gimp]) -> None:
    if found:
        print("In GIMP (start it anew): open a photograph and click Colors > Colorize (neural)...")
    else:
        print("No GIMP was found: when there is one, run install.py again, perhaps with --gimp-folder DIR.")
    on_path = shutil.which(settings.NAME) == str(command)
    print(f"Without GIMP: {settings.NAME if on_path else environment.quoted(command)} PHOTO -o RESULT")


def _check(told: list[Path]) -> None:
    found = gimps.find(told)
    looked_at = _sides_of(found) if told else list(dict.fromkeys([*_sides_of(found), *sides.installed()]))
    if not told:  # installed for folders that were named then
        remembered = {place.parents[1] for side in looked_at for place in Places(side).plug_ins}
        for folder in sorted(remembered - {gimp.folder for gimp in found}):
            found += gimps.find([folder])
    findings = []
    for finding in doctor.findings(found, looked_at):
        print(finding, flush=True)
        findings.append(finding)
    bad = sum(finding.bad for finding in findings)
    if bad:
        raise ColorizeError(f"{bad} of {len(findings)} findings are bad: please do what they say.")


def _uninstall(found: list[Gimp]) -> None:
    removed = []
    for places in map(Places, sides.installed()):
        data = [places.data] if places.data.is_dir() else []  # being held makes it
        with places.held():
            removed += [*places.remove(found), *data]
        places.remove_data()
    for place in removed:
        print(f"Removed: {place}")
    if not removed:
        print("Nothing is installed.")


def _demo(places: Places) -> None:
    result = places.data / "demo" / doctor.SAMPLE.name
    result.parent.mkdir(exist_ok=True)
    command: list[str | Path] = [places.command, doctor.SAMPLE, "-o", result, "--overwrite"]
    processes.run(command, "The sample cannot be coloured", ours=True)
    print(f"The sample photograph in colours: {result}")


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
