"""TLS and mutual TLS for gRPC from an SSLConfig file."""

from __future__ import annotations

import os
import ssl

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
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )


def _check_certificate(name: str, text: str, path: str | os.PathLike[str]) -> None:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    if not text:
        return
    try:
        first = text[text.index(begin) : text.index(end) + len(end)]
        ssl.PEM_cert_to_DER_cert(first)
    except ValueError:
        raise InvalidRequestError(f"{name} in '{os.fspath(path)}' is not a PEM certificate.") from None
