"""What a models.config may say."""

from __future__ import annotations

import pytest
from google.protobuf import text_format

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.config import operator_protos
from tfdeconv.serving.repository import model_config
from tfdeconv.serving.repository.version_policy import Specific


class TestModelConfig:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                'config { name: "a" base_path: "/a" }',
                "Illegal setting neither ModelServerConfig::model_type .*model_platform, model name is a$",
            ),
            (
                'config { name: "a" base_path: "/a" model_platform: "tensorflow" model_type: OTHER }',
                "Illegal setting both ModelServerConfig::model_type .*model_platform, model name is a$",
            ),
            (
                'config { name: "a" base_path: "/a" model_type: OTHER }',
                r"^ModelServerConfig::model_type choice 2 not supported\. .*Model a: set model_platform",
            ),
            (
                'config { name: "a" base_path: "/a" model_platform: "caffe" }',
                "Model a requests unsupported platform caffe",
            ),
            (
                'config { name: "a" base_path: "a" model_platform: "tensorflow" }',
                r"Expected model a to have an absolute path or URI; got base_path\(\)=a",
            ),
            (
                'config { name: "a" base_path: "/a" model_platform: "tensorflow" } ' * 2,
                "Illegal to list model a multiple times in config list",
            ),
            (
                'config { name: "a" base_path: "/a" model_platform: "tensorflow" logging_config {} }',
                r"No request-logger-creator provided\. .*Model a has a logging_config; remove it",
            ),
        ],
    )
    def test_refused(self, text, message):
        """What TensorFlow Serving refuses is refused in its words."""
        parsed = text_format.Parse(f"model_config_list {{ {text} }}", operator_protos.ModelServerConfig())
        with pytest.raises(InvalidRequestError, match=message):
            model_config.from_message(parsed)

    def test_policies_and_labels_are_read(self):
        """Each policy and the labels arrive."""
        text = """model_config_list { config { name: "a" base_path: "/a" model_platform: "tensorflow"
            model_version_policy { specific { versions: 3 versions: 4 } }
            version_labels { key: "stable" value: 3 } } }"""
        (config,) = model_config.from_message(text_format.Parse(text, operator_protos.ModelServerConfig()))
        assert (config.policy, dict(config.version_labels)) == (Specific((3, 4)), {"stable": 3})
