"""The metrics page and the access log."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import prometheus_client.parser
import pytest
from serving_requests import PREDICT, ask, http_call

from tfdeconv.errors import InvalidRequestError, ServingError
from tfdeconv.serving import Server
from tfdeconv.serving.telemetry import RequestRecord, Telemetry
from tfdeconv.serving.telemetry.metrics import Metrics


class TestMetrics:
    @pytest.fixture
    @staticmethod
    def monitored(toy_folder, tmp_path):
        """A server with metrics and an access log, and the log's path."""
        config, log = tmp_path / "monitoring.config", tmp_path / "access.log"
        config.write_text('prometheus_config { enable: true path: "/metrics" }')
        with Server(
            model_base_path=toy_folder,
            model_name="toy",
            monitoring_config_file=config,
            access_log_file=str(log),
        ) as server:
            yield server, log

    def test_page_has_tensorflow_servings_names(self, monitored):
        """Counters and histograms with its labels; REST is `predict`, gRPC `Predict`."""
        server, _ = monitored
        assert http_call(server, "POST", PREDICT, b'{"instances": [[1]]}')[0] == 200
        assert http_call(server, "POST", PREDICT, b"x")[0] == 400
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            ask(channel)
        status, headers, body = http_call(server, "GET", "/metrics")
        text = body.decode()
        assert status == 200
        assert {name.lower(): value for name, value in headers.items()}["content-type"].startswith(
            "text/plain"
        )
        for line in (
            "# TYPE :tensorflow:serving:request_count counter",
            ':tensorflow:serving:request_count{model_name="toy",status="OK"} 2',
            ':tensorflow:serving:request_count{model_name="toy",status="INVALID_ARGUMENT"} 1',
            ':tensorflow:serving:request_latency_count{model_name="toy",API="predict",entrypoint="REST"} 1',
            ':tensorflow:serving:request_latency_count{model_name="toy",API="Predict",entrypoint="GRPC"} 1',
            ':tensorflow:serving:runtime_latency_count{model_name="toy",API="Predict",runtime="TF1"} 2',
        ):
            assert line in text.splitlines()
        assert "HELP" not in text

    def test_path_must_be_a_path(self, toy_folder, tmp_path):
        """A path that no request can match is refused at the start."""
        config = tmp_path / "monitoring.config"
        config.write_text('prometheus_config { enable: true path: "metrics" }')
        with (
            pytest.raises(InvalidRequestError, match=r"must be a plain path that begins with '/'"),
            Server(model_base_path=toy_folder, monitoring_config_file=config),
        ):
            pass

    def test_page_parses_and_buckets_are_as_given(self):
        """Prometheus's own parser reads the page; 33 bounds of 10 * 1.8^k, and infinity."""
        metrics = Metrics()
        metrics.request_latency.observe(17, "m", "Predict", "GRPC")
        metrics.queuing_latency.observe(1, "batch_threads")
        metrics.wrapped_run_count.add()
        families = {
            family.name: family
            for family in prometheus_client.parser.text_string_to_metric_families(metrics.text())
        }
        buckets = [
            sample
            for sample in families[":tensorflow:serving:request_latency"].samples
            if sample.name.endswith("_bucket")
        ]
        assert [sample.labels["le"] for sample in buckets[:3]] == ["10", "18", "32.4"]
        assert len(buckets) == 34
        assert buckets[-1].labels["le"] == "+Inf"
        assert [sample.value for sample in buckets[:3]] == [0, 1, 1]
        assert ":tensorflow:serving:batching_session:wrapped_run_count{} 1" in metrics.text()

    @pytest.mark.parametrize(
        ("histogram", "labels", "first", "last"),
        [
            ("runtime_latency", ["model_name", "API", "runtime"], "10", 10 * 1.8**32),
            ("request_example_counts", ["model"], "1", 2.0**14),
            ("batching_session:queuing_latency", ["thread_pool_name"], "100", 100 * 1.2**51),
        ],
    )
    def test_labels_and_bounds_are_tensorflow_servings(self, histogram, labels, first, last):
        """Those of its util.cc and batching_session.cc: dashboards and alerts hold for either server."""
        metric = getattr(Metrics(), histogram.rpartition(":")[2])
        metric.observe(1, *labels)
        samples = metric.collect().samples
        bounds = [sample.labels["le"] for sample in samples if sample.name.endswith("_bucket")]
        assert {tuple(sample.labels) for sample in samples} == {(*labels, "le"), tuple(labels)}
        assert (bounds[0], bounds[-1]) == (first, "+Inf")
        assert float(bounds[-2]) == pytest.approx(last, rel=1e-5)

    def test_a_value_on_a_bound_is_within_it(self):
        """``le`` says less or equal."""
        metrics = Metrics()
        metrics.request_latency.observe(10, "m", "Predict", "GRPC")
        assert 'entrypoint="GRPC",le="10"} 1' in metrics.text()

    def test_names_of_any_text_are_read_back(self):
        """Quotes, backslashes and line breaks of a request's model name break no line of the page."""
        metrics, name = Metrics(), 'a"b\\c\nd'
        metrics.request_count.add(name, "NOT_FOUND")
        (family,) = prometheus_client.parser.text_string_to_metric_families(metrics.text())
        assert [sample.labels["model_name"] for sample in family.samples] == [name]

    def test_names_from_requests_do_not_fill_the_memory(self):
        """Inventive clients add no more than a thousand cells."""
        metrics = Metrics()
        for number in range(1500):
            metrics.request_count.add(f"m{number}", "NOT_FOUND")
        assert len(metrics.request_count.collect().samples) == 1000

    def test_access_log_has_a_line_for_each_request(self, monitored):
        """Model, version, signature, latency and status, as JSON."""
        server, log = monitored
        http_call(server, "POST", PREDICT, b'{"instances": [[1]]}')
        http_call(server, "POST", "/v1/models/other:predict", b'{"instances": [[1]]}')
        good, bad = [json.loads(line) for line in log.read_text().splitlines()]
        assert good["latency_ms"] > 0
        assert {name: good[name] for name in ("protocol", "method", "model", "version", "status")} == {
            "protocol": "REST",
            "method": "predict",
            "model": "toy",
            "version": 2,
            "status": "OK",
        }
        assert good["signature"] == "serving_default"
        assert (bad["model"], bad["status"]) == ("other", "NOT_FOUND")

    def test_log_that_cannot_be_opened(self, toy_folder, tmp_path):
        """The error names the file."""
        with (
            pytest.raises(ServingError, match=r"Cannot open the access log .*/none/log: No such file"),
            Server(model_base_path=toy_folder, access_log_file=str(tmp_path / "none" / "log")),
        ):
            pass

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
    def test_log_that_cannot_be_written(self, toy_folder, caplog):
        """A full disk costs the lines, not the requests; it is counted, and told once."""
        with Server(
            model_base_path=toy_folder, model_name="toy", grpc_port=None, access_log_file="/dev/full"
        ) as server:
            for _ in range(2):
                assert http_call(server, "POST", PREDICT, b'{"instances": [[1]]}')[0] == 200
            (sample,) = server.runtime.telemetry.metrics.request_log_count.collect().samples
        assert (sample.labels["status_code"], sample.value) == ("INTERNAL", 2)
        told = [record.getMessage() for record in caplog.records if "access log" in record.getMessage()]
        assert told == ["The access log cannot be written: No space left on device. Requests are answered."]

    def test_request_that_outlives_the_log(self, tmp_path):
        """A request that ends after the log is closed ends without an error."""
        telemetry = Telemetry(str(tmp_path / "log"))
        telemetry.close()
        telemetry.finish(RequestRecord("REST", "predict"), "OK")
