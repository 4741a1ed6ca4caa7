"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner.

For networks as small as the ones here the preconditioner (two matrices per kernel) costs little beside a
step, and it pays more than over-parameterised blocks that are collapsed later do.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from tfdeconv.keras_registration import PACKAGE


@keras.saving.register_keras_serializable(package=PACKAGE)
class SOAP(keras.optimizers.Optimizer):
    """Adam run in a slowly turning basis that decorrelates the rows and the columns of each gradient.

    A kernel of shape ``[..., channels]`` is treated as the matrix ``[prod(...), channels]``. Vectors and
    scalars get plain Adam.

    Args:
        learning_rate: Step size, or a Keras schedule. Default 5e-3.
        beta_1: Momentum of the gradient. Default 0.9.
        beta_2: Momentum of the squared gradient and of the two covariances. Default 0.99.
        epsilon: Added to the root of the squared gradient. Default 1e-8.
        refresh_every: Steps between two refreshes of the basis (one power iteration each). Default 10.
        **kwargs: Of ``keras.optimizers.Optimizer``.

    Example:
        >>> weight = keras.Variable([[3.0, 0.0], [0.0, 3.0]])
        >>> optimizer = SOAP(0.1)
        >>> for _ in range(200):
        ...     optimizer.apply([2 * weight], [weight])
        >>> bool(abs(weight.numpy()).max() < 0.1)
        True

    References:
        Vyas et al., "SOAP: Improving and Stabilizing Shampoo using Adam" (2024), algorithm 3; the basis
        starts as the identity instead of at the first gradient's eigenvectors.
    """

    def __init__(
        self,
        learning_rate: Any = 5e-3,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        epsilon: float = 1e-8,
        refresh_every: int = 10,
        name: str = "soap",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.refresh_every = refresh_every

    def build(self, variables: list[Any]) -> None:
        """Make the state: two moments per variable, two covariances and two bases per kernel."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(variables, ["momentum", "velocity"])
        self._covariances: dict[int, tuple[Any, Any]] = {}
        self._bases: dict[int, tuple[Any, Any]] = {}
        for index, variable in enumerate(variables):
            if len(variable.shape) < 2:
                continue
            columns = variable.shape[-1]
            sizes = (int(tf.TensorShape(variable.shape[:-1]).num_elements()), columns)
            self._covariances[index] = self._squares(sizes, "zeros", f"{variable.name}_covariance")
            self._bases[index] = self._squares(sizes, "identity", f"{variable.name}_basis")

    def _squares(self, sizes: tuple[int, int], initializer: str, name: str) -> tuple[Any, Any]:
        rows, columns = (
            self.add_variable((size, size), initializer=initializer, name=f"{name}_{axis}")
            for axis, size in enumerate(sizes)
        )
        return rows, columns

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Move one variable."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, gradient.dtype)
        rate = tf.cast(learning_rate, gradient.dtype)
        rate *= tf.sqrt(1 - tf.pow(self.beta_2, step)) / (1 - tf.pow(self.beta_1, step))
        momentum, velocity = self._momentums[index], self._velocities[index]
        momentum.assign(self.beta_1 * momentum + (1 - self.beta_1) * gradient)
        if index not in self._bases:
            velocity.assign(self.beta_2 * velocity + (1 - self.beta_2) * tf.square(gradient))
            variable.assign_sub(rate * momentum / (tf.sqrt(velocity) + self.epsilon))
            return

        rows, columns = (basis.value for basis in self._bases[index])

        def into(matrix: Any) -> Any:
            return tf.matmul(rows, tf.reshape(matrix, (-1, gradient.shape[-1])), transpose_a=True) @ columns

        shape = gradient.shape
        turned = tf.reshape(tf.square(into(gradient)), shape)
        velocity.assign(self.beta_2 * velocity + (1 - self.beta_2) * turned)
        update = into(momentum) / (tf.sqrt(tf.reshape(velocity, (-1, shape[-1]))) + self.epsilon)
        variable.assign_sub(rate * tf.reshape(tf.matmul(rows @ update, columns, transpose_b=True), shape))

        matrix = tf.reshape(gradient, (-1, shape[-1]))
        for covariance, outer in zip(
            self._covariances[index],
            (tf.matmul(matrix, matrix, transpose_b=True), tf.matmul(matrix, matrix, transpose_a=True)),
            strict=True,
        ):
            covariance.assign(self.beta_2 * covariance + (1 - self.beta_2) * outer)
        due = tf.equal(self.iterations % self.refresh_every, 0)
        tf.cond(due, lambda: self._refresh(index), tf.no_op)

    def _refresh(self, index: int) -> Any:
        """Turn the bases of one kernel towards the eigenvectors, largest eigenvalue first."""
        velocity = self._velocities[index]
        turned = tf.reshape(velocity, (-1, velocity.shape[-1]))
        for axis, (covariance, basis) in enumerate(
            zip(self._covariances[index], self._bases[index], strict=True)
        ):
            moved = covariance.value @ basis.value
            order = tf.argsort(-tf.reduce_sum(basis.value * moved, axis=0), stable=True)
            turned = tf.gather(turned, order, axis=axis)
            basis.assign(tf.linalg.qr(tf.gather(moved, order, axis=1))[0])
        velocity.assign(tf.reshape(turned, velocity.shape))
        return tf.no_op()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "refresh_every": self.refresh_every,
        }
