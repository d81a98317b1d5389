"""Secrets at rest: sealed with a key made from the installation's secret key."""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class UnsealError(Exception):
    """The seal was made with another secret key."""


def _fernet() -> Fernet:
    digest = hashlib.sha256(b"heard.sealing" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(text: str) -> str:
    """Encrypt a secret for the database."""
    return _fernet().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The secret again; raises `UnsealError` when the installation's key has changed."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise UnsealError from error
