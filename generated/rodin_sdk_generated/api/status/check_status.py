from http import HTTPStatus
from typing import Any, cast

import httpx

from ...client import AuthenticatedClient, Client
from ...models.error_response import ErrorResponse
from ...models.status_request import StatusRequest
from ...models.status_response import StatusResponse
from ...types import Response


def _get_kwargs(
    *,
    body: StatusRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v2/status",
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Any | ErrorResponse | ErrorResponse | StatusResponse:
    if response.status_code == 200:

        def _parse_response_200(data: object) -> ErrorResponse | StatusResponse:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_200_type_0 = StatusResponse.from_dict(data)

                return response_200_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_200_type_1 = ErrorResponse.from_dict(data)

            return response_200_type_1

        response_200 = _parse_response_200(response.json())

        return response_200

    if response.status_code == 201:

        def _parse_response_201(data: object) -> ErrorResponse | StatusResponse:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                response_201_type_0 = StatusResponse.from_dict(data)

                return response_201_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            response_201_type_1 = ErrorResponse.from_dict(data)

            return response_201_type_1

        response_201 = _parse_response_201(response.json())

        return response_201

    if response.status_code == 401:
        response_401 = ErrorResponse.from_dict(response.json())

        return response_401

    if response.status_code == 429:
        response_429 = cast(Any, None)
        return response_429

    response_default = ErrorResponse.from_dict(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[Any | ErrorResponse | ErrorResponse | StatusResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient,
    body: StatusRequest,
) -> Response[Any | ErrorResponse | ErrorResponse | StatusResponse]:
    """Look at the jobs of one task

     Reports the status of every job of the task that the `subscription_key` belongs to. Looking costs
    nothing, but calls that come too often may be throttled. A refused request can arrive with a success
    code as well: look at `error` before `jobs`.

    Args:
        body (StatusRequest): What a status call has to say

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorResponse | ErrorResponse | StatusResponse]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient,
    body: StatusRequest,
) -> Any | ErrorResponse | ErrorResponse | StatusResponse | None:
    """Look at the jobs of one task

     Reports the status of every job of the task that the `subscription_key` belongs to. Looking costs
    nothing, but calls that come too often may be throttled. A refused request can arrive with a success
    code as well: look at `error` before `jobs`.

    Args:
        body (StatusRequest): What a status call has to say

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorResponse | ErrorResponse | StatusResponse
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient,
    body: StatusRequest,
) -> Response[Any | ErrorResponse | ErrorResponse | StatusResponse]:
    """Look at the jobs of one task

     Reports the status of every job of the task that the `subscription_key` belongs to. Looking costs
    nothing, but calls that come too often may be throttled. A refused request can arrive with a success
    code as well: look at `error` before `jobs`.

    Args:
        body (StatusRequest): What a status call has to say

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorResponse | ErrorResponse | StatusResponse]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient,
    body: StatusRequest,
) -> Any | ErrorResponse | ErrorResponse | StatusResponse | None:
    """Look at the jobs of one task

     Reports the status of every job of the task that the `subscription_key` belongs to. Looking costs
    nothing, but calls that come too often may be throttled. A refused request can arrive with a success
    code as well: look at `error` before `jobs`.

    Args:
        body (StatusRequest): What a status call has to say

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorResponse | ErrorResponse | StatusResponse
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
