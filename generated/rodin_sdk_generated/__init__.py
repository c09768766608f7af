"""A client library for accessing Hyper3D Rodin API, Check Status"""

from .client import AuthenticatedClient, Client

__all__ = (
    "AuthenticatedClient",
    "Client",
)
