"""The operator's files: equal to the package's templates, and valid by the official definitions."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import threading
from pathlib import Path

import compose_pydantic
import kubernetes_validate
import pydantic
import pytest
import yaml
from click.testing import CliRunner

from tfdeconv.cli.commands.serving import command
from tfdeconv.errors import AlreadyExistsError, InvalidRequestError
from tfdeconv.serving import templates
from tfdeconv.serving.config import operator_protos
from tfdeconv.serving.launch import flag_options, flags
from tfdeconv.serving.repository import model_config
from tfdeconv.serving.repository.version_policy import Latest
from tfdeconv.serving.telemetry.metrics import Metrics

FOLDER = Path(__file__).parents[3] / "serving"


def test_folder_equals_the_templates():
    """``serving/`` is exactly what ``tfdeconv serving init`` writes."""
    on_disk = {
        path.relative_to(FOLDER).as_posix(): path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()
    }
    assert on_disk == templates.files()


class TestInit:
    def test_writes_every_file_and_says_so(self, tmp_path):
        """Each file is written and listed."""
        result = CliRunner().invoke(command, ["init", str(tmp_path / "new")])
        assert result.exit_code == 0
        assert len(result.output.splitlines()) == len(templates.files())
        assert (tmp_path / "new" / "models.config").is_file()

    def test_keeps_an_edited_file_unless_told(self, tmp_path):
        """An edited file stops the command before anything is written; ``overwrite`` replaces it."""
        (tmp_path / "models.config").write_text("# mine\n")
        with pytest.raises(AlreadyExistsError, match=r"models\.config exists and differs"):
            templates.write(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["models.config"]
        templates.write(tmp_path, overwrite=True)
        assert "upscaler" in (tmp_path / "models.config").read_text()
        templates.write(tmp_path)  # equal files are no obstacle


class TestTexts:
    def test_models_config_serves_the_upscaler(self):
        """The official message parses the file, and the name and folder are those of the containers."""
        message = operator_protos.read(operator_protos.ModelServerConfig, FOLDER / "models.config")
        (model,) = model_config.from_message(message)
        assert (model.name, model.base_path, model.policy) == ("upscaler", "/models/upscaler", Latest(1))

    def test_batching_config_obeys_its_own_rules(self):
        """allowed_batch_sizes increase and end with max_batch_size."""
        message = operator_protos.read(operator_protos.BatchingParameters, FOLDER / "batching.config")
        sizes = list(message.allowed_batch_sizes)
        assert sizes == sorted(set(sizes))
        assert sizes[-1] == message.max_batch_size.value

    def test_monitoring_config_switches_prometheus_on(self):
        """The metrics are on, at a path."""
        message = operator_protos.read(operator_protos.MonitoringConfig, FOLDER / "monitoring.config")
        assert message.prometheus_config.enable
        assert message.prometheus_config.path.startswith("/")

    def test_wrong_text_names_file_and_place(self, tmp_path):
        """The reader can fail, with the C++ server's words and the line."""
        path = tmp_path / "wrong.config"
        path.write_text("prometheus_config { enabled: true }")
        with pytest.raises(
            InvalidRequestError,
            match=r"Error parsing text-format tensorflow\.serving\.MonitoringConfig: 1:21.*enabled.*"
            r"Invalid protobuf file: '.*wrong\.config'",
        ):
            operator_protos.read(operator_protos.MonitoringConfig, path)
        with pytest.raises(InvalidRequestError, match="No such file or directory"):
            operator_protos.read(operator_protos.MonitoringConfig, tmp_path / "missing")

    def test_text_of_windows(self, tmp_path):
        """A byte order mark and its line ends are passed over, as by the C++ server."""
        path = tmp_path / "monitoring.config"
        path.write_bytes(b"\xef\xbb\xbfprometheus_config {\r\n  enable: true\r\n}\r\n")
        assert operator_protos.read(operator_protos.MonitoringConfig, path).prometheus_config.enable
        path.write_bytes(b"\xef\xbb\xbfallow_soft_placement: true\r\n")
        arguments = ["--model_base_path=/m", f"--tensorflow_session_config_file={path}"]
        assert (
            flag_options.from_flags(flags.parse(arguments)).session_config == "allow_soft_placement: true\n"
        )

    def test_what_is_no_text(self, tmp_path):
        """Is told with the file's name, whoever reads it."""
        path = tmp_path / "session.config"
        path.write_bytes(b"\xff\xfe\0")
        with pytest.raises(InvalidRequestError, match=r"session\.config': it is not text"):
            operator_protos.read(operator_protos.MonitoringConfig, path)
        arguments = ["--model_base_path=/m", f"--tensorflow_session_config_file={path}"]
        with pytest.raises(InvalidRequestError, match=r"Invalid protobuf file: '.*session\.config'"):
            flag_options.from_flags(flags.parse(arguments))


@pytest.fixture
def services():
    """The services of compose.yaml by name."""
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]


class TestCompose:
    def test_profiles_mount_the_same_model_folder_read_only(self, services):
        """Both engines see the same folder, and neither may write into it."""
        cpu, gpu = services["serving-cpu"], services["serving-gpu"]
        assert cpu["profiles"] == ["cpu"]
        assert gpu["profiles"] == ["gpu"]
        assert cpu["volumes"] == gpu["volumes"]
        assert all(volume.endswith(":ro") for volume in cpu["volumes"])
        (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
        assert device["capabilities"] == ["gpu"]

    def test_mounted_files_exist(self, services):
        """Every file that a service mounts is one of the folder's."""
        mounted = {
            volume.split(":")[0].removeprefix("./")
            for service in services.values()
            for volume in service.get("volumes", [])
            if volume.startswith("./")
        }
        names = set(templates.files())
        assert all(name in names or any(n.startswith(f"{name}/") for n in names) for name in mounted)

    @pytest.mark.parametrize("service", ["serving-cpu", "serving-gpu"])
    def test_flags_parse(self, services, service):
        """Every flag is one that the server knows, with a value of its type."""
        assert not flags.parse(services[service]["command"]).unknown

    @pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
    @pytest.mark.parametrize(
        ("state", "error_code", "healthy"), [("AVAILABLE", "OK", True), ("END", "UNAVAILABLE", False)]
    )
    def test_the_health_check_reads_the_state(self, services, state, error_code, healthy):
        """Run by bash against an HTTP server, it tells an available version from an error of that name."""
        status = {"version": "1", "state": state, "status": {"error_code": error_code, "error_message": ""}}
        body = json.dumps({"model_version_status": [status]}, indent=1).encode()

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/v1/models/upscaler" else 404)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Say nothing."""

        with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                program, *command = services["serving-cpu"]["healthcheck"]["test"]
                command[-1] = command[-1].replace("/8501", f"/{server.server_port}")
                done = subprocess.run(command, timeout=250, check=False)
            finally:
                server.shutdown()
                thread.join()
        assert program == "CMD"
        assert (done.returncode == 0) is healthy

    def test_follows_the_compose_specification(self):
        """The specification's schema accepts the file, and refuses it with one key misspelt."""
        document = yaml.safe_load((FOLDER / "compose.yaml").read_text())
        document = {key: value for key, value in document.items() if not key.startswith("x-")}
        compose_pydantic.ComposeSpecification(**document)
        document["services"]["serving-cpu"]["imagee"] = "x"
        with pytest.raises(pydantic.ValidationError, match="imagee"):
            compose_pydantic.ComposeSpecification(**document)


def manifests(name):
    return list(yaml.safe_load_all((FOLDER / "kubernetes" / name).read_text()))


def ray_groups():
    """The pods' groups of the RayService, the head's first."""
    cluster = manifests("rayservice.yaml")[0]["spec"]["rayClusterConfig"]
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def ports(group):
    (container,) = group["template"]["spec"]["containers"]
    return {port["name"]: port["containerPort"] for port in container["ports"]}


class TestKubernetes:
    @pytest.mark.parametrize("manifest", manifests("serving.yaml"), ids=lambda manifest: manifest["kind"])
    def test_follows_the_openapi_schema(self, manifest):
        """Kubernetes' own schema accepts the manifest, and refuses it with one key more."""
        kubernetes_validate.validate(manifest, "1.33", strict=True)
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate({**manifest, "speck": {}}, "1.33", strict=True)

    def test_kinds(self):
        """What the guide names is there, and everything speaks of the same application."""
        found = {manifest["kind"]: manifest for manifest in manifests("serving.yaml")}
        assert set(found) == {"Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"}
        pod = found["Deployment"]["spec"]["template"]
        for kind in ("Service", "PodDisruptionBudget"):
            selector = found[kind]["spec"]["selector"]
            assert selector.get("matchLabels", selector) == pod["metadata"]["labels"]
        (container,) = pod["spec"]["containers"]
        assert container["resources"]["limits"]["nvidia.com/gpu"] == 1
        assert not flags.parse(container["args"]).unknown
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
        assert all(mount["readOnly"] for mount in container["volumeMounts"])

    def test_inference_service(self):
        """KServe's resource names the model's format and place, and asks for one GPU."""
        (service,) = manifests("kserve.yaml")
        assert service["apiVersion"] == "serving.kserve.io/v1beta1"
        model = service["spec"]["predictor"]["model"]
        assert model["modelFormat"] == {"name": "tensorflow"}
        assert model["storageUri"].endswith("/upscaler")
        assert model["resources"]["limits"]["nvidia.com/gpu"] == "1"
        assert not flags.parse(model["args"]).unknown

    def test_ray_service(self):
        """KubeRay's resource runs the application with flags that exist, on pods that Kubernetes accepts."""
        ray_service, *others = manifests("rayservice.yaml")
        assert (ray_service["apiVersion"], ray_service["kind"]) == ("ray.io/v1", "RayService")
        for manifest in others:
            kubernetes_validate.validate(manifest, "1.33", strict=True)
        (application,) = yaml.safe_load(ray_service["spec"]["serveConfigV2"])["applications"]
        parsed = flags.parse(
            [f"--{name}={value!s}" for name, value in application["args"].items() if value is not True]
        )
        assert not parsed.unknown
        for group in ray_groups():
            pod = {"apiVersion": "v1", "kind": "Pod", **group["template"]}
            pod["metadata"] = {"name": "x", **pod.get("metadata", {})}
            kubernetes_validate.validate(pod, "1.33", strict=True)
        assert not parsed.values["edges"], "one on each node, however many there are"

    def test_ray_service_has_only_fields_that_kuberay_knows(self):
        """Those of its resource in version 1.3 and later; it would drop others without a word."""
        (ray_service, *_) = manifests("rayservice.yaml")
        spec = ray_service["spec"]
        assert set(spec) <= {
            *("deploymentUnhealthySecondThreshold", "excludeHeadPodFromServeSvc", "rayClusterConfig"),
            *("serveConfigV2", "serveService", "serviceUnhealthySecondThreshold", "upgradeStrategy"),
        }
        assert set(spec["rayClusterConfig"]) <= {
            *("autoscalerOptions", "enableInTreeAutoscaling", "gcsFaultToleranceOptions", "headGroupSpec"),
            *("headServiceAnnotations", "managedBy", "rayVersion", "suspend", "workerGroupSpecs"),
        }
        head, *workers = ray_groups()
        assert set(head) <= {"enableIngress", "headService", "rayStartParams", "serviceType", "template"}
        for group in workers:
            assert {"groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"} <= set(group)
            assert set(group) <= {
                *("groupName", "idleTimeoutSeconds", "maxReplicas", "minReplicas", "numOfHosts"),
                *("rayStartParams", "replicas", "scaleStrategy", "suspend", "template"),
            }
        for group in (head, *workers):
            assert all(isinstance(value, str) for value in group["rayStartParams"].values())

    def test_kuberay_finds_the_ports_that_it_looks_for(self):
        """It takes the head's named ports as they are; without these it deploys nothing, and no service."""
        head, *workers = ray_groups()
        named = ports(head)
        assert {"gcs-server": 6379, "dashboard": 8265, "serve": 8501}.items() <= named.items()
        for group in workers:  # its service leads to the same numbers there
            assert {name: port for name, port in named.items() if name.startswith("serve")} == ports(group)

    def test_clients_are_sent_to_edges_that_answer(self):
        """To workers: KubeRay wants the head ready before there is any edge, so its probe cannot ask one.

        A pod that goes is out of the list before its edge stops, and within one failed probe.
        """
        ray_service, service, budget = manifests("rayservice.yaml")
        head, *workers = ray_groups()
        assert ray_service["spec"]["excludeHeadPodFromServeSvc"] is True
        selected = service["spec"]["selector"]
        assert selected == budget["spec"]["selector"]["matchLabels"]
        assert not selected.items() <= head["template"].get("metadata", {}).get("labels", {}).items()
        for group in workers:
            assert selected.items() <= group["template"]["metadata"]["labels"].items()
            assert {port["targetPort"] for port in service["spec"]["ports"]} == set(ports(group))
            (container,) = group["template"]["spec"]["containers"]
            probe = container["readinessProbe"]
            assert probe["httpGet"] == {"path": "/readyz", "port": "serve"}
            assert probe.get("failureThreshold", 3) * probe["periodSeconds"] <= 15
            _, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
            drained = 30  # by Ray, of itself
            assert group["template"]["spec"]["terminationGracePeriodSeconds"] >= int(seconds) + drained


class TestMonitoring:
    def test_prometheus_reads_the_path_that_monitoring_config_opens(self):
        """The scraped path and the served one are the same, and the targets are compose's services."""
        (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
        config = operator_protos.read(operator_protos.MonitoringConfig, FOLDER / "monitoring.config")
        assert job["metrics_path"] == config.prometheus_config.path
        hosts = {target.split(":")[0] for target in job["static_configs"][0]["targets"]}
        assert hosts == {"serving-cpu", "serving-gpu"}

    def test_dashboard_asks_for_metrics_that_exist(self):
        """Every name in the dashboard's queries is one that the server writes."""
        dashboard = json.loads((FOLDER / "grafana" / "dashboard.json").read_text())
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        assert queries
        known = {metric.name for metric in vars(Metrics()).values()}
        for query in queries:
            names = re.findall(r":tensorflow:serving:[a-z_:]+", query)
            assert names
            assert {name.removesuffix("_bucket") for name in names} <= known
