"""Names of the ``keras.ops`` classes that keep every sample where it is."""

OVER_ONE_AXIS = frozenset({"Softmax", "LogSoftmax"})
"""Those that mix the samples along their attribute ``axis``."""

POINTWISE = OVER_ONE_AXIS | {
    *("Add", "Subtract", "Multiply", "Divide", "TrueDivide", "Power", "Maximum", "Minimum", "Clip"),
    *("Negative", "Absolute", "Square", "Sqrt", "Rsqrt", "Exp", "Log", "Cast"),
    *("Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "HardSilu", "Sigmoid", "HardSigmoid"),
    *("Softplus", "Tanh"),
}
"""All of them."""
