"""Flags parse as tensorflow_model_server parses them, and can start the real one."""

from __future__ import annotations

import pytest

from tfdeconv.errors import InvalidArgumentError, InvalidRequestError, TfdeconvError, UnimplementedError
from tfdeconv.serving.launch import engine, flag_options, flags
from tfdeconv.serving.repository.configured_models import configured_models

REFERENCE_FLAGS = """
port rest_api_port model_name model_base_path model_config_file model_config_file_poll_wait_seconds
file_system_poll_wait_seconds enable_batching batching_parameters_file
enable_per_model_batching_parameters enable_model_warmup num_request_iterations_for_warmup
monitoring_config_file grpc_socket_path grpc_channel_arguments grpc_max_threads ssl_config_file
rest_api_timeout_in_ms rest_api_num_threads rest_api_enable_cors_support
allow_version_labels_for_unavailable_models enable_grpc_healthcheck_service max_num_load_retries
load_retry_interval_micros num_load_threads num_unload_threads tensorflow_session_parallelism
tensorflow_intra_op_parallelism tensorflow_inter_op_parallelism per_process_gpu_memory_fraction
saved_model_tags prefer_tflite_model enable_signature_method_name_check
enable_serialization_as_tensor_content version flush_filesystem_caches tensorflow_session_config_file
use_alts_credentials platform_config_file remove_unused_fields_from_bundle_metagraph num_tflite_pools
num_tflite_interpreters_per_pool xla_cpu_compilation_enabled xla_gpu_compilation_enabled enable_profiler
thread_pool_factory_config_file mixed_precision skip_initialize_tpu
"""


class TestParsing:
    def test_defaults(self):
        """The defaults are those of tensorflow_model_server."""
        values = flags.parse([]).values
        wanted = {
            "port": 8500,
            "rest_api_port": 0,
            "model_name": "default",
            "file_system_poll_wait_seconds": 1,
            "max_num_load_retries": 5,
            "load_retry_interval_micros": 60_000_000,
            "rest_api_timeout_in_ms": 30_000,
            "enable_model_warmup": True,
            "saved_model_tags": "serve",
            "enable_batching": False,
        }
        assert {name: values[name] for name in wanted} == wanted

    def test_every_flag_of_the_reference_is_known(self):
        """The list of the reference page, to the last one."""
        assert not set(REFERENCE_FLAGS.split()) - set(flags.BY_NAME)

    @pytest.mark.parametrize(
        ("argument", "value"),
        [("--enable_batching", True), ("--enable_batching=true", True), ("--enable_batching=false", False)],
    )
    def test_booleans(self, argument, value):
        """A Boolean is bare, or true, or false."""
        assert flags.parse([argument]).values["enable_batching"] is value

    @pytest.mark.parametrize(
        "argument", ["--enable_batching=yes", "--port=x", "--port=4294967296", "--drain_seconds=x", "--port"]
    )
    def test_value_that_does_not_parse(self, argument):
        """It is an error that names the flag."""
        with pytest.raises(InvalidArgumentError, match=argument.partition("=")[0]):
            flags.parse([argument])

    def test_unknown_arguments_are_kept_apart(self):
        """They do not stop the rest from being read."""
        parsed = flags.parse(["--bogus=1", "word", "--port=9", "--model-name", "m"])
        assert parsed.unknown == ("--bogus=1", "word")
        assert (parsed.values["port"], parsed.values["model_name"]) == (9, "m")


class TestOptions:
    def options(self, *arguments):
        return flag_options.from_flags(flags.parse(["--model_base_path=/m", *arguments]))

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--batching_parameters_file=/b"], "batching_parameters_file is set without setting"),
            (["--model_base_path="], "Both server_options.model_base_path and .* are empty!"),
            (["--model_base_path=m"], r"to have an absolute path or URI; got base_path\(\)=m"),
            (
                [f"--tensorflow_{kind}_parallelism=1" for kind in ("session", "intra_op", "inter_op")],
                "You cannot configure all",
            ),
            (["--mixed_precision=int4"], "must be bfloat16 or float16"),
            (["--tensorflow_session_config_file=/missing"], "Invalid protobuf file: '/missing'"),
        ],
    )
    def test_refused_at_start(self, arguments, message):
        """Contradictions are refused in the C++ server's words."""
        with pytest.raises(InvalidRequestError, match=message):
            self.options(*arguments)

    def test_flags_that_cannot_be_honoured_say_so(self):
        """Silence would let an operator believe in ALTS."""
        with pytest.raises(UnimplementedError, match="--use_alts_credentials is not supported"):
            self.options("--use_alts_credentials")

    def test_same_port_for_both_drops_rest(self):
        """rest_api_port equal to port skips REST."""
        assert self.options("--port=9000", "--rest_api_port=9000").rest_port is None

    @pytest.mark.parametrize(
        ("arguments", "grpc_port", "rest_port"),
        [
            (["--port=0"], 0, None),
            (["--port=0", "--rest_api_port=0"], 0, None),
            (["--port=0", "--rest_api_port=8501"], 0, 8501),
            (["--port=0", "--grpc_socket_path=/s"], None, None),
        ],
    )
    def test_port_zero(self, arguments, grpc_port, rest_port):
        """A free port for gRPC, unless a Unix socket is enough; for REST the C++ server's meaning, none."""
        options = self.options(*arguments)
        assert (options.grpc_port, options.rest_port) == (grpc_port, rest_port)

    def test_session_flags_reach_the_session(self):
        """Threads, memory, XLA and precision are fields of one ConfigProto."""
        text = self.options(
            "--tensorflow_intra_op_parallelism=2",
            "--per_process_gpu_memory_fraction=0.5",
            "--xla_gpu_compilation_enabled",
            "--mixed_precision=bfloat16",
        ).session_config
        assert "intra_op_parallelism_threads: 2" in text
        assert "per_process_gpu_memory_fraction: 0.5" in text
        assert "global_jit_level: ON_1" in text
        assert "auto_mixed_precision_onednn_bfloat16: ON" in text

    def test_xla_is_off_unless_asked_for(self):
        """The default configuration compiles nothing."""
        assert "jit" not in self.options().session_config


class TestEngine:
    def command(self, *arguments, programs=()):
        parsed = flags.parse(["--model_base_path=/m", *arguments])
        return engine.external_command(parsed, which={name: f"/bin/{name}" for name in programs}.get)

    def test_program_gets_the_given_flags_and_not_ours(self):
        """Only flags that tensorflow_model_server knows are passed on."""
        command = self.command(
            "--engine=auto", "--host=::", "--enable_batching", programs=["tensorflow_model_server", "docker"]
        )
        assert command == ["/bin/tensorflow_model_server", "--enable_batching=true", "--model_base_path=/m"]

    def test_container_mounts_what_the_flags_name(self, tmp_path):
        """Base paths and files are mounted read-only where they are; ports are published."""
        config = tmp_path / "models.config"
        config.write_text(
            'model_config_list { config { name: "a" base_path: "/data/a" model_platform: "tensorflow" } }'
        )
        command = self.command(
            "--engine=tensorflow-serving",
            f"--model_config_file={config}",
            "--rest_api_port=8501",
            programs=["docker", "nvidia-smi"],
        )
        text = " ".join(command)
        assert command[:4] == ["/bin/docker", "run", "--rm", "--init"]
        for part in ("--gpus all", "8500:8500", "8501:8501", "/data/a:/data/a:ro", f"{config}:{config}:ro"):
            assert part in text
        assert "tensorflow/serving:" in text
        assert text.endswith(f"--model_base_path=/m --model_config_file={config} --rest_api_port=8501")

    def test_auto_falls_back_and_the_named_engine_does_not(self):
        """Auto means the embedded server where nothing else is there."""
        assert self.command("--engine=auto") is None
        assert self.command() is None
        with pytest.raises(TfdeconvError, match="needs tensorflow_model_server or docker on PATH"):
            self.command("--engine=tensorflow-serving")
        with pytest.raises(InvalidArgumentError, match="must be embedded, tensorflow-serving, auto or ray"):
            self.command("--engine=triton")


@pytest.mark.parametrize(
    "argument",
    [
        "--thread_pool_factory_config_file=/p",
        "--enable_profiler=true",
        "--flush_filesystem_caches",
        "--remove_unused_fields_from_bundle_metagraph=false",
        "--skip_initialize_tpu",
    ],
)
def test_flags_without_effect_are_accepted_and_said_so(caplog, argument):
    """A script that sets them still starts, and its log tells; those that are not set are not spoken of."""
    flag_options.from_flags(flags.parse(["--model_base_path=/m", argument]))
    name = argument.partition("=")[0]
    assert [record.getMessage() for record in caplog.records] == [
        f"{name} has no effect on the embedded server"
    ]


@pytest.mark.parametrize("argument", ["--port=99999", "--port=-1", "--rest_api_port=65536"])
def test_ports_are_ports(argument):
    """A number that no port has is refused under the flag's name, before anything is opened."""
    name, _, value = argument.partition("=")
    with pytest.raises(InvalidRequestError, match=f"{name} must be from 0 to 65535; received {value}."):
        flag_options.from_flags(flags.parse(["--model_base_path=/m", argument]))


@pytest.mark.parametrize("flag", ["grpc_max_threads", "rest_api_num_threads", "max_rest_body_bytes"])
def test_numbers_below_zero(flag):
    """What cannot be negative is refused by its name, before a thread or a port is made."""
    with pytest.raises(InvalidRequestError, match=f"^{flag} must not be negative; received -1.$"):
        flag_options.from_flags(flags.parse(["--model_base_path=/m", f"--{flag}=-1"]))


def test_a_missing_file_is_told_with_its_flag(tmp_path):
    """The error names the option, the file and the reason."""
    from tfdeconv.serving import ServerOptions
    from tfdeconv.serving.repository.configured_models import configured_models

    options = ServerOptions(model_config_file=tmp_path / "models.config")
    with pytest.raises(InvalidRequestError, match=r"Cannot read model_config_file '.*': No such file"):
        configured_models(options)


class TestBesideAPlatformConfig:
    def options(self, *arguments):
        return flag_options.from_flags(
            flags.parse(["--model_base_path=/m", "--platform_config_file=/p", *arguments])
        )

    def test_replaced_flags_are_said_to_be_so(self, caplog):
        """Only those that the command line sets, and none that the file does not replace."""
        self.options("--enable_batching", "--saved_model_tags=gpu", "--max_num_load_retries=0")
        lines = [record.getMessage() for record in caplog.records]
        assert lines == [
            "--enable_batching has no effect beside --platform_config_file",
            "--saved_model_tags has no effect beside --platform_config_file",
        ]

    def test_their_contradictions_do_not_matter(self):
        """The C++ server looks at none of them."""
        parallel = [f"--tensorflow_{kind}_parallelism=1" for kind in ("session", "intra_op", "inter_op")]
        options = self.options("--batching_parameters_file=/b", "--mixed_precision=int4", *parallel)
        assert options.session_config == ""

    def test_xla_flags_still_hold(self):
        """They are the process's, not the session's."""
        assert "global_jit_level: ON_1" in self.options("--xla_cpu_compilation_enabled").session_config


def test_a_base_path_may_be_a_url():
    """It stays as it is, unlike a folder, and comes with where and how large its copies may be."""
    url = "s3://bucket/models/m"
    arguments = [
        f"--model_base_path={url}",
        "--model_cache_dir=/var/cache",
        "--max_model_cache_bytes=5000000000",
    ]
    options = flag_options.from_flags(flags.parse(arguments))
    assert (options.model_cache_dir, options.max_model_cache_bytes) == ("/var/cache", 5_000_000_000)
    (config,) = configured_models(options)
    assert config.base_path == url
