"""A TCP server that answers every connection with fixed bytes, for answers no real server would give."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def raw_server(answers: list[bytes | Iterable[bytes]], seen: list[bytes] | None = None) -> Iterator[str]:
    """Answer the n-th connection with the n-th answer, whole or part by part, then close it.

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
                with suppress(OSError):  # the client may leave first
                    for part in [answer] if isinstance(answer, bytes) else answer:
                        connection.sendall(part)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(60)
