"""Tiny ONNX files with the names, shapes and numbers of published foreign colorizers, and files that are none.

write_foreign(file, "ddcolor")  ->  file, whose answer tells what it was shown
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

#  what the graph takes -> gives, and how: where it sees the grey g of sRGB it answers a of 100 g - 50 and b of 30,
#  where it sees the lightness L, a of L - 50 and b of 30, and where it answers RGB, that is (1, 0.5, 0.25) times g
_AB = "b = Constant<value = float[1, 1, 1, 1] {30.0}>() still = Mul(a, zero) bs = Add(still, b)"
_FOREIGN = {
    "ddcolor": (
        "float[1, 3, 512, 512] input",
        "float[1, 2, 512, 512] output",
        f"""red, green, blue = Split<axis = 1>(input)
        hundred = Constant<value = float {{100.0}}>() more = Mul(green, hundred) a = Sub(more, fifty) {_AB}
        output = Concat<axis = 1>(a, bs)""",
    ),
    "deoldify": (
        "float[1, 3, 256, 256] input",
        "float[1, 3, 256, 256] output",
        "shares = Constant<value = float[1, 3, 1, 1] {1.0, 0.5, 0.25}>() output = Mul(input, shares)",
    ),
    "deoldify-normalized": (
        "float[n, 3, 256, 256] input",
        "float[n, 3, 256, 256] output",
        """shares = Constant<value = float[1, 3, 1, 1] {1.0, 0.5, 0.25}>()
        mean = Constant<value = float[1, 3, 1, 1] {0.485, 0.456, 0.406}>()
        deviation = Constant<value = float[1, 3, 1, 1] {0.229, 0.224, 0.225}>()
        spread = Mul(input, deviation) seen = Add(spread, mean) rgb = Mul(seen, shares)
        centred = Sub(rgb, mean) output = Div(centred, deviation)""",
    ),
    "eccv16": (
        "float[1, 1, 256, 256] data_l",
        "float[1, 2, 256, 256] color_ab",
        f"a = Sub(data_l, fifty) {_AB} color_ab = Concat<axis = 1>(a, bs)",
    ),
    "eccv16-caffe": (
        "float[1, 1, 224, 224] data_l",
        "float[1, 2, 56, 56] class8_ab",
        f"a = AveragePool<kernel_shape = [4, 4], strides = [4, 4]>(data_l) {_AB} class8_ab = Concat<axis = 1>(a, bs)",
    ),
    "siggraph17": (
        "float[1, 1, 256, 256] data_l, float[1, 2, 256, 256] user_ab, float[1, 1, 256, 256] user_map",
        "float[1, 2, 256, 256] color_ab",
        f"""a = Sub(data_l, fifty) {_AB} found = Concat<axis = 1>(a, bs)
        hinted = Add(found, user_ab) marks = Div(user_map, fifty) color_ab = Add(hinted, marks)""",
    ),
}
KINDS = tuple(_FOREIGN)

#  what each of them is, beside no colorizer
_WRONG = {
    "wrong shapes": ("float[1, 3, 64, 64] x", "float[1, 5] y", "y = Constant<value = float[1, 5] {1, 2, 3, 4, 5}>()"),
    "NaN": (
        "float[1, 1, 64, 64] x",
        "float[1, 2, 64, 64] y",
        "nothing = Sub(x, x) nan = Div(nothing, nothing) y = Concat<axis = 1>(nan, nan)",
    ),
    "too strong": (
        "float[1, 1, 64, 64] x",
        "float[1, 2, 64, 64] y",
        "more = Mul(x, fifty) y = Concat<axis = 1>(more, more)",
    ),
    "another side": (
        "float[1, 3, 64, 32] x",
        "float[1, 2, u, v] y",
        "red, green, blue = Split<axis = 1>(x) y = Concat<axis = 1>(red, blue)",
    ),
    "endless": (
        "float[1, 1, 64, 64] x",
        "float[1, 2, 64, 64] y",
        """trips = Constant<value = int64 {100000000}>() on = Constant<value = bool {1}>()
        rubbed = Loop(trips, on, x) <body = rub (int64 i, bool go, float[1, 1, 64, 64] p) =>
            (bool on_, float[1, 1, 64, 64] q) { on_ = Identity(go) q = MatMul(p, p) }>
        y = Concat<axis = 1>(rubbed, rubbed)""",
    ),
    "huge": (
        "float[1, 1, 64, 64] x",
        "float[1, 2, 64, 64] y",
        """shape = Constant<value = int64[3] {60000, 60000, 2}>() vast = ConstantOfShape(shape)
        most = ReduceMax<keepdims = 0>(vast) one = Add(x, most) y = Concat<axis = 1>(one, one)""",
    ),
    "custom": ("float[1, 1, 64, 64] x", "float[1, 2, 64, 64] y", "y = evil.Operator(x)"),
}


def write_foreign(file: Path, kind: str, **told: str) -> Path:
    """A foreign model, or one of _WRONG; `told` is what it says of itself."""
    takes, gives, rule = (_FOREIGN | _WRONG)[kind]
    model = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["": 17, "evil": 1]>
    foreign ({takes}) => ({gives}) {{
        zero = Constant<value = float {{0.0}}>() fifty = Constant<value = float {{50.0}}>()
        {rule}
    }}""")
    if told:
        helper.set_model_props(model, told)
    file.write_bytes(model.SerializeToString())
    return file


def write_with_external_data(file: Path, location: str, **more: str) -> Path:
    """A colorizer whose weights lie elsewhere."""
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [1, 2, 64, 64], [0.0] * 2 * 64 * 64)
    weight.ClearField("float_data")
    weight.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        entry = weight.external_data.add()
        entry.key, entry.value = key, value
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, n, 64, 64]) for name, n in (("x", 1), ("y", 2))]
    node = helper.make_node("Add", ["x", "weight"], ["y"])
    graph = helper.make_graph([node], "outside", ends[:1], ends[1:], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file.write_bytes(model.SerializeToString())
    return file
