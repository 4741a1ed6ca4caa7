"""The platform configuration file: what it says holds in place of the flags, and what it must not say."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner
from tensorflow_serving.apis import prediction_log_pb2

from tfdeconv.cli.commands.serve import command
from tfdeconv.errors import InvalidRequestError, TfdeconvError, UnimplementedError
from tfdeconv.serving import Server
from tfdeconv.serving.config import platform_protos
from tfdeconv.serving.config.batching_parameters import BatchingParameters
from tfdeconv.serving.config.options import ServerOptions
from tfdeconv.serving.loading import warmup_replay
from tfdeconv.serving.loading.bundle_config import BundleConfig

ADAPTER = "tensorflow.serving.SavedModelBundleSourceAdapterConfig"


def text(config: str, *, adapter: str = ADAPTER, key: str = "tensorflow") -> str:
    return (
        f'platform_configs {{ key: "{key}" value {{ source_adapter_config {{ '
        f"[type.googleapis.com/{adapter}] {{ legacy_config {{ {config} }} }} }} }} }}"
    )


@pytest.fixture
def write(tmp_path):
    """Write a file; return its path."""

    def call(content: str) -> str:
        file = tmp_path / "platform.config"
        file.write_text(content)
        return str(file)

    return call


@pytest.fixture
def read(write):
    """Return what a file says, beside options that it replaces."""

    def call(config: str, **options) -> BundleConfig:
        file = write(text(config))
        return BundleConfig.of(ServerOptions(model_base_path="/m", platform_config_file=file, **options))

    return call


class TestMeaning:
    def test_every_field_that_means_something_here(self, read):
        """Tags, session, batching, warm-up and TensorFlow Lite come from the file."""
        config = read(
            """
            session_config { intra_op_parallelism_threads: 3 gpu_options { allow_growth: true } }
            batching_parameters { max_batch_size { value: 4 } allowed_batch_sizes: [2, 4] }
            saved_model_tags: ["serve", "gpu"] enable_per_model_batching_params: true
            enable_model_warmup: true model_warmup_options { num_request_iterations { value: 5 } }
            prefer_tflite_model: true num_tflite_pools: 2 num_tflite_interpreters_per_pool: 4
            """
        )
        assert config.tags == ("serve", "gpu")
        assert config.session_config.intra_op_parallelism_threads == 3
        assert config.session_config.gpu_options.allow_growth
        assert config.batching == BatchingParameters(max_batch_size=4, allowed_batch_sizes=(2, 4))
        assert config.per_model_batching
        assert config.warmup_iterations == 5
        assert (config.prefer_tflite, config.tflite_pools, config.tflite_interpreters_per_pool) == (
            True,
            2,
            4,
        )

    def test_what_is_left_out_has_the_messages_default(self, read):
        """No warm-up, no batching, one interpreter: flags that say otherwise are not looked at."""
        config = read(
            "",
            enable_batching=True,
            batching_parameters_file="/missing",
            saved_model_tags="gpu",
            enable_model_warmup=True,
            prefer_tflite_model=True,
            num_tflite_pools=7,
        )
        assert (config.tags, config.batching, config.warmup_iterations) == (("serve",), None, None)
        assert (config.prefer_tflite, config.tflite_pools) == (False, 1)

    def test_empty_batching_parameters_batch(self, read):
        """As in the C++ server the message's presence counts, unless sessions are not to be wrapped."""
        assert read("batching_parameters {}").batching == BatchingParameters()
        assert read("batching_parameters {} wrap_session_with_no_threading_params: true").batching is None

    def test_serialized_value(self, write):
        """The Any may hold bytes: the field numbers are the official ones."""
        official = b"\xc2\x3e\x09\x32\x01g\xd8\x30\x01\xf8\x30\x01"  # 1000: {6: "g", 779: true, 783: true}
        escaped = "".join(f"\\{byte:03o}" for byte in official)
        file = write(
            'platform_configs { key: "tensorflow" value { source_adapter_config { '
            f'type_url: "type.googleapis.com/{ADAPTER}" value: "{escaped}" }} }} }}'
        )
        config = BundleConfig.of(ServerOptions(model_base_path="/m", platform_config_file=file))
        assert (config.tags, config.warmup_iterations, config.prefer_tflite) == (("g",), 1, True)

    def test_numbers_of_the_official_file(self):
        """session_bundle_config.proto and saved_model_bundle_source_adapter.proto of TensorFlow Serving."""
        numbers = {
            field.name: field.number for field in platform_protos.SessionBundleConfig.DESCRIPTOR.fields
        }
        assert numbers == {
            "session_target": 1,
            "session_config": 2,
            "batching_parameters": 3,
            "session_run_load_threadpool_index": 4,
            "experimental_transient_ram_bytes_during_load": 5,
            "saved_model_tags": 6,
            "experimental_fixed_input_tensors": 778,
            "enable_model_warmup": 779,
            "model_warmup_options": 780,
            "enable_session_metadata": 781,
            "remove_unused_fields_from_bundle_metagraph": 782,
            "prefer_tflite_model": 783,
            "resource_estimation_uses_validation_result": 784,
            "num_tflite_interpreters": 785,
            "num_tflite_interpreters_per_pool": 786,
            "num_tflite_pools": 787,
            "wrap_session_with_no_threading_params": 788,
            "enable_per_model_batching_params": 789,
            "enable_saved_model_config": 790,
        }
        (field,) = platform_protos.SavedModelBundleSourceAdapterConfig.DESCRIPTOR.fields
        assert (field.name, field.number) == ("legacy_config", 1000)


class TestServer:
    def test_batches_by_the_file(self, write, toy_folder, call_rest):
        """Its max_batch_size refuses a larger request, without --enable_batching."""
        file = write(text("batching_parameters { max_batch_size { value: 2 } }"))
        with Server(model_base_path=toy_folder, model_name="toy", platform_config_file=file) as server:
            call = call_rest(server)
            answer = call("POST", "/v1/models/toy:predict", {"instances": [[1], [2]]})
            assert answer == (200, {"predictions": [[3.0], [6.0]]})
            status, answer = call("POST", "/v1/models/toy:predict", {"instances": [[1], [2], [3]]})
            assert status == 400
            assert "Task size 3 is larger than maximum input batch size 2" in answer["error"]

    def test_tags_of_the_file(self, write, toy_folder):
        """A graph with other tags is not there."""
        file = write(text('saved_model_tags: "gpu"'))
        server = Server(model_base_path=toy_folder, platform_config_file=file, max_num_load_retries=0)
        with pytest.raises(TfdeconvError, match=r"matching supplied tags: \{ gpu \}"):
            server.start()
        server.stop(grace=0)

    def test_warm_up_only_where_the_file_says_so(self, write, toy_folder, tmp_path):
        """A record that fails keeps the version from serving only with enable_model_warmup."""
        base = tmp_path / "toy"
        shutil.copytree(toy_folder / "1", base / "1")
        record = prediction_log_pb2.PredictionLog()
        record.predict_log.request.inputs["wrong"].CopyFrom(tf.make_tensor_proto(np.float32([[1]])))
        (base / "1" / warmup_replay.FILE).parent.mkdir()
        with tf.io.TFRecordWriter(str(base / "1" / warmup_replay.FILE)) as writer:
            writer.write(record.SerializeToString())
        options = {"model_base_path": base, "max_num_load_retries": 0}
        with Server(platform_config_file=write(text("")), **options):
            pass
        server = Server(platform_config_file=write(text("enable_model_warmup: true")), **options)
        with pytest.raises(TfdeconvError, match="not found in request"):
            server.start()
        server.stop(grace=0)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("content", "error", "message"),
        [
            (
                "nonsense",
                InvalidRequestError,
                "Error parsing text-format tensorflow.serving.PlatformConfigMap",
            ),
            (text("nonsense: 1"), InvalidRequestError, 'SessionBundleConfig" has no field named "nonsense"'),
            (text("", adapter="x.Unknown"), InvalidRequestError, "Type x.Unknown not found"),
            (
                text("", key="caffe"),
                InvalidRequestError,
                r"must have the key \"tensorflow\"; received \['caffe'\]",
            ),
            ("", InvalidRequestError, "must have the key .* received none"),
            (
                'platform_configs { key: "tensorflow" value {} }',
                InvalidRequestError,
                f"must be a {ADAPTER}; received none",
            ),
            (
                'platform_configs { key: "tensorflow" value { source_adapter_config { '
                f'type_url: "a/{ADAPTER}" value: "\\377" }} }} }}',
                InvalidRequestError,
                f"is not a {ADAPTER}",
            ),
            (text('session_target: "grpc://far"'), UnimplementedError, "session_target 'grpc://far' is not"),
            (
                text("batching_parameters { max_batch_size { value: -1 } }"),
                InvalidRequestError,
                "max_batch_size must be positive; was -1",
            ),
        ],
    )
    def test_refused(self, write, content, error, message):
        """What is wrong, and where."""
        options = ServerOptions(model_base_path="/m", platform_config_file=write(content))
        with pytest.raises(error, match=message):
            BundleConfig.of(options)

    def test_command_ends_with_one_line(self, write, toy_folder):
        """Exit code 255, and a line that names the file."""
        file = write("nonsense")
        result = CliRunner().invoke(
            command, [f"--model_base_path={toy_folder}", f"--platform_config_file={file}"]
        )
        assert result.exit_code == 255
        assert result.output.count("\n") == 1
        assert f"Invalid protobuf file: '{file}'" in result.output

    def test_missing_file(self, tmp_path):
        """It is named."""
        options = ServerOptions(model_base_path="/m", platform_config_file=tmp_path / "none")
        with pytest.raises(
            InvalidRequestError, match=r"Cannot read platform_config_file '.*none': No such file"
        ):
            BundleConfig.of(options)
