import keras
import numpy as np
import pytest
import tensorflow as tf

from tfdeconv.training.soap import SOAP


def ill_conditioned(seed=0):
    """A least-squares problem whose inputs are strongly correlated: the loss as a function of the weights."""
    rng = np.random.default_rng(seed)
    inputs = (
        rng.normal(size=(256, 12))
        @ np.diag(np.logspace(0, -2, 12))
        @ np.linalg.qr(rng.normal(size=(12, 12)))[0]
    )
    targets = inputs @ rng.normal(size=(12, 4))
    inputs, targets = (tf.constant(part, tf.float32) for part in (inputs, targets))
    return lambda weights: tf.reduce_mean(tf.square(inputs @ weights - targets))


def minimise(optimizer, steps=300):
    loss = ill_conditioned()
    weights = tf.Variable(tf.zeros((12, 4)))
    optimizer.build([weights])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            value = loss(weights)
        optimizer.apply(tape.gradient(value, [weights]), [weights])

    for _ in range(steps):
        step()
    return float(loss(weights))


def test_it_gets_further_than_adam_where_inputs_are_correlated():
    """In as many steps of the same size SOAP's loss is at most a third of Adam's."""
    assert minimise(SOAP(0.02)) < minimise(keras.optimizers.Adam(0.02)) / 3


def test_vectors_get_plain_adam():
    """A bias moves as Adam moves it."""
    ours, theirs = keras.Variable(np.ones(3, np.float32)), keras.Variable(np.ones(3, np.float32))
    soap, adam = SOAP(0.1, beta_2=0.99), keras.optimizers.Adam(0.1, beta_2=0.99, epsilon=1e-8)
    for gradient in ([1.0, -2.0, 0.1], [0.5, 0.0, 3.0], [-1.0, 1.0, 1.0]):
        soap.apply([tf.constant(gradient)], [ours])
        adam.apply([tf.constant(gradient)], [theirs])
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-5)


def test_bases_stay_orthonormal_and_diagonalise_the_covariance():
    """After many refreshes each basis is orthonormal, and turns its covariance nearly diagonal."""
    kernel = keras.Variable(np.zeros((3, 3, 2, 5), np.float32))
    optimizer = SOAP(1e-3, refresh_every=1)
    rng = np.random.default_rng(0)
    colours = rng.normal(size=(5, 5)) * np.logspace(0, -2, 5)
    for _ in range(200):
        gradient = (rng.normal(size=(18, 5)) @ colours).reshape(kernel.shape)
        optimizer.apply([tf.constant(gradient, tf.float32)], [kernel])
    named = {variable.name: variable.numpy() for variable in optimizer.variables}
    covariance = next(value for name, value in named.items() if name.endswith("covariance_1"))
    basis = next(value for name, value in named.items() if name.endswith("basis_1"))
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-5)
    turned = basis.T @ covariance @ basis
    assert np.abs(turned - np.diag(np.diag(turned))).max() < 0.02 * np.diag(turned).max()
    assert np.all(np.diff(np.diag(turned)) <= 1e-4 * np.diag(turned).max()), "largest eigenvalue first"


@pytest.mark.parametrize("argument", ["beta_1", "beta_2", "epsilon", "refresh_every"])
def test_a_saved_optimizer_comes_back(argument):
    """get_config holds the constructor's arguments."""
    optimizer = SOAP(0.01, beta_1=0.8, beta_2=0.9, epsilon=1e-6, refresh_every=3)
    restored = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(restored, SOAP)
    assert getattr(restored, argument) == getattr(optimizer, argument)
