"""A TCP server that answers every connection with fixed bytes, for answers no real server would give."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def raw_server(answers: list[bytes], seen: list[bytes] | None = None) -> Iterator[str]:
    """Answer the n-th connection with the n-th bytes after its first request, then close it.

    The requests are added to ``seen``.
    """

    def serve() -> None:
        for answer in answers:
            try:
                connection, _ = listener.accept()
            except OSError:  # the listener was closed
                return
            with connection:
                request = connection.recv(65536)
                if seen is not None:
                    seen.append(request)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
