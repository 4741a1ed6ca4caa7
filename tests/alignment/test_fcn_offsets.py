"""The crop offsets that the FCN models publish, computed from their graphs."""

import keras
import pytest
from keras import layers

from tfdeconv import alignment
from tfdeconv import layers as td_layers


def _convolutions(x, count):
    for _ in range(count):
        x = layers.Conv2D(1, 3, padding="same")(x)
    return x


def _vgg16(size):
    """FCN's VGG-16 body up to the scores; pooling rounds up, as Caffe does."""
    image = keras.Input([size, size, 1])
    x = layers.Conv2D(1, 3)(layers.ZeroPadding2D(100)(image))
    pools = []
    for count in (1, 2, 3, 3, 3):
        x = layers.MaxPooling2D(2, padding="same")(_convolutions(x, count))
        pools.append(x)
    score = layers.Conv2D(1, 1)(layers.Conv2D(1, 7)(x))
    return image, pools[2], pools[3], score


def _pool_rounding_up(x):
    """Caffe's pooling of 3 with stride 2, which takes in a last window that passes the end."""
    return layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(((0, 1), (0, 1)))(x))


def _alexnet(size):
    """FCN's CaffeNet body up to the scores."""
    image = keras.Input([size, size, 1])
    x = layers.Conv2D(1, 11, strides=4)(layers.ZeroPadding2D(100)(image))
    x = layers.Conv2D(1, 5, padding="same")(_pool_rounding_up(x))
    x = _pool_rounding_up(_convolutions(_pool_rounding_up(x), 3))
    return image, layers.Conv2D(1, 1)(layers.Conv2D(1, 6)(x))


def _fuse(upsampled, skip):
    """FCN's skip: the cropped skip scores plus the upsampled ones, and the offset of the crop."""
    skip = layers.Conv2D(1, 1)(skip)
    offset = alignment.crop_offset(skip, upsampled)
    crops = [
        (o, have - o - want)
        for o, have, want in zip(offset, skip.shape[1:3], upsampled.shape[1:3], strict=True)
    ]
    return layers.Add()([upsampled, layers.Cropping2D(crops)(skip)]), offset


@pytest.mark.parametrize("transposed", [layers.Conv2DTranspose, td_layers.Conv2DTranspose])
def test_offsets_of_fcn_32s_16s_and_8s(transposed):
    """On a 500 x 500 image the deconvolutions and crops have the published sizes and offsets."""
    image, pool3, pool4, score = _vgg16(500)
    assert score.shape[1] == 16

    final = transposed(1, 64, strides=32)(score)
    assert (final.shape[1], alignment.crop_offset(final, image)) == (544, (19, 19))

    upscore2 = transposed(1, 4, strides=2)(score)
    fused, offset = _fuse(upscore2, pool4)
    assert (upscore2.shape[1], pool4.shape[1], offset) == (34, 44, (5, 5))
    final = transposed(1, 32, strides=16)(fused)
    assert (final.shape[1], alignment.crop_offset(final, image)) == (560, (27, 27))

    upscore4 = transposed(1, 4, strides=2)(fused)
    fused, offset = _fuse(upscore4, pool3)
    assert (upscore4.shape[1], pool3.shape[1], offset) == (70, 88, (9, 9))
    final = transposed(1, 16, strides=8)(fused)
    assert (final.shape[1], alignment.crop_offset(final, image)) == (568, (31, 31))


def test_offset_of_fcn_alexnet():
    """FCN-AlexNet upsamples with a 63 x 63 kernel and crops at 18."""
    image, score = _alexnet(500)
    final = layers.Conv2DTranspose(1, 63, strides=32)(score)
    assert final.shape[1] == 543
    assert alignment.crop_offset(final, image) == (18, 18)


def test_offsets_do_not_need_the_image_size():
    """The same offset comes out where height and width are unknown."""
    image, _, _, score = _vgg16(None)
    assert alignment.crop_offset(layers.Conv2DTranspose(1, 64, strides=32)(score), image) == (19, 19)
