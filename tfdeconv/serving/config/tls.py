"""TLS and mutual TLS for gRPC from an SSLConfig file."""

from __future__ import annotations

import os
import ssl
from concurrent.futures import ThreadPoolExecutor

import grpc

from tfdeconv.errors import InvalidRequestError
from tfdeconv.serving.config import operator_protos


def credentials(path: str | os.PathLike[str]) -> grpc.ServerCredentials:
    """Return the credentials of an SSLConfig file, whose keys and certificates are inline PEM.

    With ``client_verify``, a client needs a certificate that ``custom_ca`` has signed.

    Args:
        path: The file.

    Raises:
        InvalidRequestError: The file does not parse, or lacks what it needs.
    """
    config = operator_protos.read(operator_protos.SSLConfig, path, option="ssl_config_file")
    if not config.server_key or not config.server_cert:
        raise InvalidRequestError(
            f"'{os.fspath(path)}' needs server_key and server_cert, each with the text of a PEM file."
        )
    if config.client_verify and not config.custom_ca:
        raise InvalidRequestError(
            f"'{os.fspath(path)}' has client_verify but no custom_ca to verify clients against."
        )
    for name in ("server_cert", "custom_ca"):
        _check_certificate(name, getattr(config, name), path)
    if "PRIVATE KEY-----" not in config.server_key:
        raise InvalidRequestError(f"server_key in '{os.fspath(path)}' is not a PEM private key.")
    if "ENCRYPTED" in config.server_key:
        raise InvalidRequestError(
            f"server_key in '{os.fspath(path)}' is encrypted, and nobody can be asked for its passphrase. "
            "Write it without one: openssl pkey -in KEY -out PLAIN_KEY."
        )
    found = grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
    if not _fits(found):
        raise InvalidRequestError(
            f"server_key in '{os.fspath(path)}' is broken, or is not the key of server_cert."
        )
    return found


def _fits(credentials: grpc.ServerCredentials) -> bool:
    """Whether gRPC can use the credentials, which it looks at only when it opens a port."""
    server = grpc.server(ThreadPoolExecutor(1))
    try:
        server.add_secure_port("127.0.0.1:0", credentials)
    except RuntimeError:
        return False
    finally:
        server.stop(None)
    return True


def _check_certificate(name: str, text: str, path: str | os.PathLike[str]) -> None:
    if not text:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        raise InvalidRequestError(f"{name} in '{os.fspath(path)}' is not a PEM certificate.") from None
