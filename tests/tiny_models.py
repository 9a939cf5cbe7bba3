"""Model files that are made in no time and whose answer is known: for tests of everything around the networks.

make_models(folder, ["orange", "grey"])  ->  folder/orange.onnx, folder/grey.onnx, folder/manifest.json
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import onnx

_GRAPH = """<ir_version: 8, opset_import: ["": 17]>
tiny (float[1, 1, %s] L, float[t] temperature) => (float[t, 2, u, v] ab)
{
    zero = Constant<value = float {0.0}>()
    column = Constant<value = int64[4] {-1, 1, 1, 1}>()
    temperatures = Reshape(temperature, column)
    small = AveragePool<kernel_shape = [8, 8], strides = [8, 8]>(L)
    nothing = Mul(small, zero)
    pair = Concat<axis = 1>(nothing, nothing)
    colour = Constant<value = float[1, 2, 1, 1] {%s}>()
    %s
    ab = Add(pair, coloured)
}"""
_CONSTANT = "still = Mul(temperatures, zero) coloured = Add(colour, still)"
_BY_TEMPERATURE = "coloured = Mul(colour, temperatures)"
_SLOW = """trips = Constant<value = int64 {%d}>()
    on = Constant<value = bool {1}>()
    side = Constant<value = int64[2] {400, 400}>()
    ones = ConstantOfShape<value = float[1] {0.0}>(side)
    rubbed = Loop(trips, on, ones) <body = rub (int64 i, bool go, float[400, 400] x) => (bool on_, float[400, 400] y) {
        on_ = Identity(go)
        y = MatMul(x, x)
    }>
    rest = ReduceMax<keepdims = 0>(rubbed)
    still = Mul(temperatures, rest)
    coloured = Add(colour, still)"""

_BLUE_PADDING = """middle = Constant<value = float {50.0}>()
    tolerance = Constant<value = float {0.5}>()
    blue = Constant<value = float[1, 2, 1, 1] {0, -40}>()
    difference = Sub(small, middle)
    distance = Abs(difference)
    is_padding = Less(distance, tolerance)
    seen = Where(is_padding, blue, colour)
    still = Mul(temperatures, zero)
    coloured = Add(seen, still)"""

_GREEDY = """middle = Constant<value = float {50.0}>()
    one = Constant<value = int64[1] {1}>()
    far_too_many = Constant<value = int64[1] {1000000000000}>()
    brightness = ReduceMean<keepdims = 0>(L)
    is_bright = Greater(brightness, middle)
    count = Where(is_bright, far_too_many, one)
    zeros = ConstantOfShape<value = float[1] {0.0}>(count)
    rest = ReduceMax<keepdims = 0>(zeros)
    still = Mul(temperatures, rest)
    coloured = Add(colour, still)"""

#     id: group, a and b, how they are made, default temperature
TINY = {
    "hours": ("papers", "20, 40", _SLOW % 1_000_000, None),  # works for hours
    "orange": ("recommended", "20, 40", _CONSTANT, None),
    "grey": ("recommended", "0, 0", _CONSTANT, None),
    "thermometer": ("recommended", "0, 100", _BY_TEMPERATURE, 0.4),  # b is a hundred times the temperature
}
_COSTLY = {
    "slow": ("papers", "20, 40", _SLOW % 20, None),  # some hundredths of a second
    "seconds": ("papers", "20, 40", _SLOW % 800, None),
    "greedy": ("papers", "0, -40", _GREEDY, None),  # wants more memory than there is, where the photograph is bright
}
_ANY_SIZE = ("h, w", {"short_side": 64, "multiple": 8})
#   id: what the graph takes, what the manifest says of it; blue where it sees a lightness of 50, else orange
_ONE_SIZE = {
    "padded": ("64, 64", {"side": 64, "padding": 50.0}),
    "squeezed": ("64, 64", {"side": 64, "padding": None}),
}


def make_models(folder: Path, names: Sequence[str]) -> Path:
    """Writes tiny models and their manifest, in the order given -> the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [_make_model(folder, name) for name in names]
    (folder / "manifest.json").write_text(json.dumps({"contract": 1, "models": entries}))
    return folder


def _make_model(folder: Path, name: str) -> dict[str, object]:
    known = TINY | _COSTLY
    group, colour, rule, temperature = known.get(name, ("papers", "20, 40", _BLUE_PADDING, None))
    sides, size = _ONE_SIZE.get(name, _ANY_SIZE)
    model = onnx.parser.parse_model(_GRAPH % (sides, colour, rule))
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    (folder / f"{name}.onnx").write_bytes(content)
    return {
        "id": name,
        "file": f"{name}.onnx",
        "title": name.capitalize(),
        "description": f"A test model: {name}.",
        "group": group,
        "kind": "test",
        "size": size,
        "temperature": None if temperature is None else {"default": temperature},
        "trained_on": "nothing",
        "licence": "GPL-3.0-or-later",
        "sha256": hashlib.sha256(content).hexdigest(),
        "results": {},
    }


def with_the_first_replaced(folder: Path, name: str) -> Path:
    """A folder of models where that tiny one stands in for the first one, "orange"."""
    manifest = make_models(folder, [name]) / "manifest.json"
    manifest.write_text(manifest.read_text().replace(f'"id": "{name}"', '"id": "orange"'))
    return folder


def tell_facts(file: Path, **facts: object) -> None:
    """Writes into a tiny model's file what an exported one tells of itself."""
    model = onnx.load(file)
    told = {"contract": 1, "description": "A test model.", "trained_on": "nothing", "group": "recommended"}
    told |= {"size": {"short_side": 64, "multiple": 8}, **facts}
    onnx.helper.set_model_props(model, {name: json.dumps(fact) for name, fact in told.items()})
    onnx.save(model, file)
