"""JSON Web Tokens (RFC 7519): those that prove us to a vendor, signed with the key it gave us.

cryptography is loaded with the first token.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from heard.channels.base import PlaceError

_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----", re.DOTALL)


def signed(claims: Mapping[str, Any], *, key: str, key_id: str) -> str:
    """A token signed with a private key as PEM: RS256 with RSA, ES256 with P-256 (RFC 7518).

    Raises `PlaceError` for what is no such key.
    """
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils  # noqa: PLC0415

    private = _loaded(key)
    algorithm = "RS256" if isinstance(private, rsa.RSAPrivateKey) else "ES256"
    header = {"alg": algorithm, "typ": "JWT", "kid": key_id}
    content = f"{_part(header)}.{_part(claims)}".encode()
    if isinstance(private, rsa.RSAPrivateKey):
        proof = private.sign(content, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(private, ec.EllipticCurvePrivateKey) and private.key_size == 256:
        pair = utils.decode_dss_signature(private.sign(content, ec.ECDSA(hashes.SHA256())))
        proof = b"".join(number.to_bytes(32, "big") for number in pair)
    else:
        raise PlaceError("This private key is of a kind that is not used here.", needs_person=True)
    return f"{content.decode()}.{_base64(proof)}"


def _loaded(key: str) -> Any:
    """The key of a PEM text, also of one whose lines were lost in a field of a page."""
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - see above
        load_pem_private_key,
    )

    found = _PEM.search(key.replace("\\n", "\n"))
    if found is None:
        raise PlaceError(
            "The private key is not whole: put in all of it, from BEGIN to END.", needs_person=True
        )
    name, inner = found[1], "".join(found[2].split())
    pem = f"-----BEGIN {name}-----\n{inner}\n-----END {name}-----\n"
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise PlaceError("The private key cannot be read.", needs_person=True) from error


def _part(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
