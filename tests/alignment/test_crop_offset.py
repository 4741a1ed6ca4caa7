"""Crop offsets and traces of whole graphs, and every reason to refuse one."""

import keras
import numpy as np
import pytest
from keras import layers

from tfdeconv import alignment, geometry
from tfdeconv import layers as td_layers
from tfdeconv.errors import AlignmentError
from tfdeconv.zoo.segmentation.pad_to_multiple import PadToMultiple2D

BOX = keras.initializers.Constant(1 / 9)


def _image(size=64):
    return keras.Input([size, size, 1], name="image")


def _upsampled(image, kernel=4, padding="valid", name="up"):
    score = layers.MaxPooling2D(2, name="pool")(image)
    return layers.Conv2DTranspose(1, kernel, strides=2, padding=padding, name=name)(score)


def test_crop_lays_features_on_the_image():
    """A step edge upsampled from half resolution and cropped at the offset lies on the image's edge."""
    image = _image(32)
    score = layers.AveragePooling2D(2)(
        layers.Conv2D(1, 3, kernel_initializer=BOX)(layers.ZeroPadding2D(6)(image))
    )
    kernel = np.outer([0.25, 0.75, 0.75, 0.25], [0.25, 0.75, 0.75, 0.25]).reshape(4, 4, 1, 1)
    up = layers.Conv2DTranspose(1, 4, strides=2, kernel_initializer=keras.initializers.Constant(kernel))(
        score
    )
    rows, columns = alignment.crop_offset(up, image)
    ramp = np.broadcast_to(np.arange(32.0).reshape(1, -1, 1, 1), (1, 32, 32, 1))
    cropped = keras.Model(image, up).predict(ramp, verbose=0)[:, rows : rows + 32, columns : columns + 32]
    np.testing.assert_allclose(cropped[:, 8:-8, 8:-8], ramp[:, 8:-8, 8:-8], atol=1e-4)


def test_residual_paths_agree():
    """Both ways around a residual block have one map, and the crop needs nothing before the block."""
    image = _image()
    odd = layers.Permute([2, 1, 3])(image)
    stem = layers.Conv2D(1, 3, padding="same")(odd)
    block = layers.Add()([stem, layers.Conv2D(1, 3, padding="same")(stem)])
    assert alignment.crop_offset(_upsampled(block), stem) == (1, 1)


def test_squeeze_and_excitation_is_no_path():
    """A gate made by global pooling scales channels and does not take part in the alignment."""
    image = _image()
    gate = layers.Reshape([1, 1, 1])(layers.GlobalAveragePooling2D()(image))
    gated = layers.Multiply()([image, layers.Conv2D(1, 1)(gate)])
    assert alignment.crop_offset(_upsampled(gated), image) == (1, 1)


def test_model_called_like_a_layer():
    """A functional or sequential model inside the graph is followed through."""
    inner_input = keras.Input([64, 64, 1])
    inner = keras.Model(inner_input, layers.MaxPooling2D(4)(layers.Conv2D(1, 3)(inner_input)), name="inner")
    outer = _image()
    (rows, _) = alignment.trace(inner(outer))[outer]
    assert str(rows) == "1/4 * x - 5/8"
    sequential = keras.Sequential([keras.Input([64, 64, 1]), layers.MaxPooling2D(2), layers.MaxPooling2D(2)])
    (rows, _) = alignment.trace(sequential(outer))[outer]
    assert str(rows) == "1/4 * x - 3/8"


def test_layer_called_twice():
    """Each call of a shared layer is its own step of the path."""
    image = _image()
    pool = layers.MaxPooling2D(2)
    (rows, _) = alignment.trace(pool(pool(image)))[image]
    assert rows.scale.denominator == 4


@pytest.mark.parametrize("name", ["ResNet50", "MobileNet", "EfficientNetB0", "VGG16"])
def test_backbones_of_keras_have_a_map(name):
    """The architectures of keras.applications are covered up to their last features."""
    backbone = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(64, 64, 3))
    rows, columns = alignment.trace(backbone.output)[backbone.input]
    assert rows == columns
    assert rows.scale.denominator == 32


def test_crop_like_finds_and_keeps_its_offset(tmp_path):
    """CropLike crops at the computed offset, tells it to the next layers, and survives saving."""
    image = _image(32)
    cropped = td_layers.CropLike(name="crop")([_upsampled(image), image])
    assert alignment.trace(cropped)[image] == alignment.trace(image)[image]
    model = keras.Model(image, cropped)
    x = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype("float32")
    full = keras.Model(image, model.get_layer("up").output).predict(x, verbose=0)
    expected = full[:, 1:33, 1:33]
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)
    model.save(tmp_path / "crop.keras")
    loaded = keras.saving.load_model(tmp_path / "crop.keras")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=1e-5)


def test_trace_lists_the_ancestors():
    """Iterating a trace yields the output first and every tensor that it is made of."""
    image = _image()
    up = _upsampled(image)
    trace = alignment.trace(up)
    tensors = list(trace)
    assert tensors[0] is up
    assert tensors[-1] is image
    assert len(tensors) == 3
    assert keras.Input([4, 4, 1]) not in trace


def test_layer_of_ours_tells_its_map():
    """Output sizes asked for at the call move a 'same' window, and the map says so."""
    image = _image(7)
    layer = td_layers.Conv2DTranspose(1, 3, 2, padding="same")
    default, shorter = layer(image), layer(image, output_shape=(13, 14))
    assert alignment.trace(default)[image][0].offset == 1
    assert [axis.offset for axis in alignment.trace(shorter)[image]] == [0, 1]
    like = layer(image, like=keras.Input([13, 14, 1]))
    assert alignment.trace(like)[image] == alignment.trace(shorter)[image]


def _strided(sizes):
    image = keras.Input([*sizes, 1])
    x = layers.Conv2D(1, 3, strides=2, padding="same")(image)
    return keras.Model(image, layers.Conv2D(1, 3, strides=2, padding="same")(x), name="strided")


def test_sizes_of_the_call_reach_into_a_model():
    """A model of free sizes is followed with the sizes that it is called with."""
    outer = keras.Input([61, 64, 1])
    rows, columns = alignment.trace(_strided((None, None))(outer))[outer]
    assert (str(rows), str(columns)) == ("1/4 * x", "1/4 * x - 3/4")


def test_sizes_known_to_be_multiples_are_enough():
    """Behind a padding to a multiple of all strides "same" layers move samples alike for any size."""
    outer = keras.Input([None, None, 1])
    rows, _ = alignment.trace(_strided((None, None))(PadToMultiple2D(4)(outer)))[outer]
    assert str(rows) == "1/4 * x - 3/4"
    with refused(r"Model 'strided' \(Functional\) moves samples differently for different sizes"):
        alignment.trace(_strided((None, None))(PadToMultiple2D(2)(outer)))[outer]


def test_shapes_that_a_model_does_not_take_are_refused():
    """The model's own reason is passed on."""
    model = keras.Sequential([keras.Input([None, None, 1]), layers.Conv2D(1, 5)], name="five")
    with refused(r"Model 'five' takes no input of shape \[\(None, 3, 3, 1\)\]"):
        alignment.shapes_inside(model, model.outputs[0], [(None, 3, 3, 1)])


def refused(match):
    """The alignment must fail with this message."""
    return pytest.raises(AlignmentError, match=match)


def test_negative_offset_is_refused():
    """A reference that starts before the tensor cannot be reached by cropping."""
    image = _image()
    with refused(r"'up' \(Conv2DTranspose\) cannot be cropped to 'image' .* axis 0.*2 samples earlier"):
        alignment.crop_offset(_upsampled(layers.Cropping2D(3)(image)), image)


def test_fractional_offset_is_refused():
    """Half a sample is no crop; the message says which parity helps."""
    image = _image()
    with refused(r"'up' .* spatial axis 0: the offset 1/2 is not a whole number .* parity"):
        alignment.crop_offset(_upsampled(image, kernel=3), image)


def test_scale_mismatch_is_refused():
    """Tensors of different resolution cannot lie on each other."""
    image = _image()
    with refused(r"'pool' \(MaxPooling2D\) cannot be cropped to 'image'.*axis 0: one sample .* 2 samples"):
        alignment.crop_offset(layers.MaxPooling2D(2, name="pool")(image), image)


def test_too_short_is_refused():
    """A crop that passes the end of the tensor is refused where the sizes are known."""
    image = _image()
    short = layers.Cropping2D(((0, 2), (0, 0)), name="short")(_upsampled(image))
    with refused(r"'short' .* axis 0: offset 1 and size 64 need 65 samples, there are 64"):
        alignment.crop_offset(short, image)


def test_disagreeing_paths_are_refused():
    """A merge whose inputs lie differently is named, with both ways and the axis."""
    image = _image()
    one = layers.Cropping2D(((0, 0), (2, 0)), name="left")(image)
    two = layers.Cropping2D(((0, 0), (0, 2)), name="right")(image)
    merged = layers.Concatenate(name="merge")([one, two])
    with refused(r"Layer 'merge' \(Concatenate\) .* spatial axis 1: (?=.*'left')(?=.*'right')"):
        alignment.crop_offset(merged, image)


def test_disagreement_between_ancestors_is_refused():
    """Two inputs that relate the tensors differently give no offset."""
    one, two = keras.Input([8, 8, 1], name="one"), keras.Input([8, 8, 1], name="two")
    from_ = layers.Add(name="sum")([one, two])
    to = layers.Add(name="other")(
        [layers.Cropping2D(((1, 0), (0, 0)))(one), layers.Cropping2D(((0, 1), (0, 0)))(two)]
    )
    with refused(r"'sum' .*'other' .* lie differently .* path"):
        alignment.crop_offset(from_, to)


def test_unconnected_tensors_are_refused():
    """Without a common ancestor there is nothing to align by."""
    with refused(r"'one' .* and 'two' .* have no tensor in common"):
        alignment.crop_offset(keras.Input([8, 8, 1], name="one"), keras.Input([8, 8, 1], name="two"))


def test_same_padding_of_an_unknown_size_is_refused():
    """Where SAME depends on the size, an unknown one is refused with layer, axis and fix."""
    image = keras.Input([64, None, 1])
    x = layers.Conv2D(1, 3, strides=2, padding="same", name="strided")(image)
    with refused(r"'strided' \(Conv2D\) has padding='same' .* spatial axis 1\. Give keras.Input a fixed"):
        alignment.crop_offset(td_layers.Conv2DTranspose(1, 4, 2, name="up")(x), image)


def _up_like(half, image, kernel, strides=2, dilation_rate=1, padding="same"):
    """``half`` upsampled to the size of ``image``."""
    up = td_layers.Conv2DTranspose(
        1, kernel, strides, padding=padding, dilation_rate=dilation_rate, name="up"
    )
    return up(half, like=image)


@pytest.mark.parametrize(
    ("kernel", "strides", "dilation"), [(2, 2, 1), (4, 2, 1), (6, 2, 1), (2, 3, 1), (3, 1, 2)]
)
def test_requested_size_does_not_matter_where_every_size_crops_alike(kernel, strides, dilation):
    """like= of unknown sizes has one map where the window starts alike for every size: that of each size."""
    free = keras.Input([None, None, 1])
    expected = alignment.trace(_up_like(free, keras.Input([None, None, 1]), kernel, strides, dilation))[free]
    for size in range(12, 12 + 2 * strides):
        image, half = keras.Input([size, 24, 1]), keras.Input([-(-size // strides), -(-24 // strides), 1])
        assert alignment.trace(_up_like(half, image, kernel, strides, dilation))[half] == expected


def test_requested_size_alone_decides():
    """A known size of like= is enough: the input's follows from it."""
    free = keras.Input([None, None, 1])
    up = _up_like(free, keras.Input([13, 14, 1]), 3)
    assert [axis.offset for axis in alignment.trace(up)[free]] == [0, 1]


def test_requested_size_that_is_unknown_is_refused():
    """Where the window depends on the size, an unknown one is refused with what works instead."""
    image = keras.Input([None, None, 1])
    half, quarter = (layers.MaxPooling2D(n, padding="same")(image) for n in (2, 4))
    with refused(
        r"'up' \(Conv2DTranspose\) has padding='same', kernel 3 .*like=.* axis 0\. Use padding=\(0, 2\) there"
        r".* or an even kernel.* CropLike its offset="
    ):
        alignment.trace(_up_like(half, image, 3))[half]
    with refused(r"kernel 8 and stride 4.* Use padding=\(2, 5\) there.* alike; or give keras.Input"):
        alignment.trace(_up_like(quarter, image, 8, 4))[quarter]
    rows, _ = alignment.trace(_up_like(quarter, image, 8, 4, padding=((2, 5), (2, 5))))[quarter]
    assert str(rows) == "4 * x + 3/2"


@pytest.mark.parametrize(("kernel", "strides"), [(3, 2), (8, 4), (5, 3)])
def test_padding_of_the_message_takes_the_sizes_of_same(kernel, strides):
    """The advised padding takes exactly the sizes of "same", with the crop of the largest."""
    before, _ = geometry.crops(kernel, strides, padding="same")
    padding = (before, kernel - 1 - before)
    same = geometry.output_size_range(5, kernel, strides, "same")
    assert geometry.output_size_range(5, kernel, strides, padding) == same
    largest = [
        geometry.window(5, kernel, strides, padding=p, output_size=same[-1]) for p in (padding, "same")
    ]
    assert largest[0] == largest[1]


def test_unet_of_free_size_is_cropped_and_lent_sizes():
    """like= and CropLike("auto") in one model of unknown sizes, at sizes that nothing divides."""
    image = keras.Input([None, None, 1])
    one = layers.Conv2D(2, 3, padding="same")(image)
    two = layers.Conv2D(2, 3, padding="same")(layers.MaxPooling2D(2, padding="same")(one))
    bottom = layers.Conv2D(2, 3, padding="same")(layers.MaxPooling2D(2, padding="same")(two))
    up_two = td_layers.Conv2DTranspose(2, 4, 2, padding="same")(bottom, like=two)
    up_one = td_layers.Conv2DTranspose(2, 4, 2)(layers.Concatenate()([up_two, two]))
    crop = td_layers.CropLike()
    cropped = crop([up_one, one])
    assert alignment.crop_offset(up_one, one) == (1, 1)
    model = keras.Model(image, layers.Concatenate()([cropped, one]))
    for size in [(37, 51), (33, 41), (36, 38)]:
        assert model(np.zeros([1, *size, 1], "float32")).shape == (1, *size, 4)


def test_resizing_an_unknown_size_is_refused():
    """The factor of Resizing is unknown where the size is."""
    image = keras.Input([None, None, 1])
    with refused(r"'resize' \(Resizing\) resizes an unknown size on spatial axis 0"):
        alignment.crop_offset(layers.Resizing(8, 8, name="resize")(image), image)


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (layers.Reshape([32, 128, 1], name="odd"), r"'odd' \(Reshape\) has no known coordinate map"),
        (layers.Concatenate(axis=1, name="odd"), r"'odd' \(Concatenate\) concatenates along axis 1"),
        (layers.Resizing(9, 9, crop_to_aspect_ratio=True, name="odd"), r"'odd' \(Resizing\) crops or pads"),
    ],
)
def test_layer_without_a_map_is_refused(layer, reason):
    """What rearranges samples is refused by name."""
    image = _image()
    odd = layer([image, image] if isinstance(layer, layers.Concatenate) else image)
    with refused(reason):
        alignment.crop_offset(odd, image)


def test_layers_that_take_other_axes_for_spatial_are_refused():
    """Of two data formats in one graph one would be read along the wrong axes."""
    image = keras.Input([16, 16, 16])
    shifted = keras.layers.ZeroPadding2D((3, 0), data_format="channels_first")(image)
    cropped = keras.layers.Cropping2D(1, data_format="channels_last")(shifted)
    with pytest.raises(AlignmentError, match='has data_format="channels_first", another layer of the graph'):
        alignment.crop_offset(image, cropped)


def test_operations_without_a_map_are_refused():
    """The same holds for keras.ops and for slices with a step."""
    image = _image()
    with refused(r"\(Transpose\) \(keras.ops\) has no known coordinate map"):
        alignment.crop_offset(keras.ops.transpose(image, [0, 2, 1, 3]), image)
    with refused(r"\(GetItem\) \(slicing\) needs step 1"):
        alignment.crop_offset(image[:, ::2], image)
    with refused(r"\(GetItem\) \(slicing\) must keep the axes"):
        alignment.crop_offset(image[..., None], image)


def test_slices_in_numbers_of_numpy():
    """A start that was computed with NumPy is a start."""
    image = _image()
    cropped = image[:, np.int64(3) :, np.int32(-60) : np.int64(-1)]
    assert alignment.crop_offset(image, cropped) == (3, 4)


def test_global_pooling_only_is_refused():
    """What went through global pooling has no place any more."""
    image = _image()
    with refused(r"through global pooling only"):
        alignment.crop_offset(layers.GlobalMaxPooling2D(keepdims=True)(image), image)
    with refused(r"through global pooling only"):
        alignment.trace(layers.GlobalMaxPooling2D(keepdims=True)(image))[image]


def test_trace_of_a_stranger_is_refused():
    """Only ancestors have maps, and only symbolic tensors a graph."""
    image = _image()
    with refused(r"No path leads from 'other' .* to 'image'"):
        alignment.trace(image)[keras.Input([8, 8, 1], name="other")]
    with refused(r"output must be a tensor of a Keras functional graph .* received ndarray"):
        alignment.trace(np.zeros([1, 8, 8, 1]))
    with refused(r"to must be a tensor"):
        alignment.crop_offset(image, np.zeros([1, 8, 8, 1]))
