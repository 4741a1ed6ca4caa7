"""The two gRPC services of TensorFlow Serving and their methods.

Source: ``tensorflow_serving/apis/prediction_service.proto`` and ``model_service.proto``.
"""

from __future__ import annotations

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
SERVICE_OF = {
    "Predict": PREDICTION_SERVICE,
    "Classify": PREDICTION_SERVICE,
    "Regress": PREDICTION_SERVICE,
    "MultiInference": PREDICTION_SERVICE,
    "GetModelMetadata": PREDICTION_SERVICE,
    "GetModelStatus": MODEL_SERVICE,
    "HandleReloadConfigRequest": MODEL_SERVICE,
}
"""Method -> service; no method is in both."""


def path(method: str) -> str:
    """Return a method's address on a channel.

    Example:
        >>> path("Predict")
        '/tensorflow.serving.PredictionService/Predict'
    """
    return f"/{SERVICE_OF[method]}/{method}"
