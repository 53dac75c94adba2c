"""Resizing of a photo as ONNX operations: the size rules of `files.pixels`, with sizes computed from the photo's shape. Needs no torch.

Sizes are computed in double precision by the same steps as there, so they are equal for every photo. `Resize` with these attributes is the
bicubic filter of Pillow: on `uint8` it also rounds after each of its two passes. Two things differ. Pillow may run the vertical pass first,
which changes some pixels by a level of 255 or two. And `files.pixels` first averages squares of pixels of a large photo, which is left out
here; docs/export.md has how far scores differ.
"""

import onnx
from onnx import parser

from personalize.files.pixels import CentreCrop, SizeRule, WholePhoto

INPUT = "photo"
HEADER = '<ir_version: 10, opset_import: ["" : 20]>'
INT64, DOUBLE = onnx.TensorProto.INT64, onnx.TensorProto.DOUBLE
BICUBIC = 'mode="cubic", cubic_coeff_a=-0.5, antialias=1, exclude_outside=1, coordinate_transformation_mode="half_pixel"'

WHOLE_PHOTO = """
    area = Constant <value = double[1] {{{area}.0}}> ()
    multiple = Constant <value = double[1] {{{multiple}.0}}> ()
    pixel_count = ReduceProd (sides)
    pixels_in_all = Cast <to = {double}> (pixel_count)
    length = Sqrt (pixels_in_all)
    scale = Div (area, length)
    exact = Mul (lengths, scale)
    multiples = Div (exact, multiple)
    whole_multiples = Round (multiples)
    rounded = Mul (whole_multiples, multiple)
    bounded = Max (rounded, multiple)
    size = Cast <to = {int64}> (bounded)
    sizes = Concat <axis = 0> (photo_and_channels, size)
    square = Resize <{bicubic}> (planes, , , sizes)
"""

CENTRE_CROP = """
    short = Constant <value = double[1] {{{resize}.0}}> ()
    crop = Constant <value = int64[1] {{{crop}}}> ()
    two = Constant <value = int64[1] {{2}}> ()
    rows_and_columns = Constant <value = int64[2] {{2, 3}}> ()
    shortest = ReduceMin (sides)
    shortest_length = Cast <to = {double}> (shortest)
    scale = Div (short, shortest_length)
    exact = Mul (lengths, scale)
    rounded = Round (exact)
    bounded = Max (rounded, short)
    size = Cast <to = {int64}> (bounded)
    sizes = Concat <axis = 0> (photo_and_channels, size)
    whole = Resize <{bicubic}> (planes, , , sizes)
    outside = Sub (size, crop)
    first = Div (outside, two)
    last = Add (first, crop)
    square = Slice (whole, first, last, rows_and_columns)
"""

GRAPH = """{header}
resizing (uint8[height, width, 3] {photo}) => (uint8[one, rows, columns, three] pixels)
{{
    shape = Shape (photo)
    beginning = Constant <value = int64[1] {{0}}> ()
    end = Constant <value = int64[1] {{2}}> ()
    photo_and_channels = Constant <value = int64[2] {{1, 3}}> ()
    sides = Slice (shape, beginning, end)
    lengths = Cast <to = {double}> (sides)
    batch = Unsqueeze (photo, beginning)
    planes = Transpose <perm = [0, 3, 1, 2]> (batch)
    {steps}
    pixels = Transpose <perm = [0, 2, 3, 1]> (square)
}}
"""


def graph(rule: SizeRule) -> onnx.ModelProto:
    """A model from `photo`, uint8 RGB of any size, to `pixels`, the batch of one photo that a network with this rule takes."""
    types = {"double": DOUBLE, "int64": INT64}
    if isinstance(rule, WholePhoto):
        steps = WHOLE_PHOTO.format(area=rule.area, multiple=rule.multiple, bicubic=BICUBIC, **types)
    elif isinstance(rule, CentreCrop):
        steps = CENTRE_CROP.format(resize=rule.resize, crop=rule.crop, bicubic=BICUBIC, **types)
    else:
        raise TypeError(f"{rule} has no form in ONNX")
    return parser.parse_model(GRAPH.format(header=HEADER, photo=INPUT, steps=steps, **types))
