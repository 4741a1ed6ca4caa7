"""A bare grpcio server that answers any Predict call with so many zeros: what the transport alone costs.

python grpc_echo.py PORT BYTES
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc


def main() -> None:
    """Serve until killed."""
    port, answer = int(sys.argv[1]), bytes(int(sys.argv[2]))
    predict = grpc.unary_unary_rpc_method_handler(lambda request, context: answer)
    service = grpc.method_handlers_generic_handler(
        "tensorflow.serving.PredictionService", {"Predict": predict}
    )
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(16), handlers=[service], options=unlimited)
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
