"""Makes a client of the options that all commands have which ask the service."""

from pathlib import Path

from attrs import frozen

from rodin_sdk import Rodin
from rodin_sdk.cli._keys import read_api_key


@frozen
class ClientOptions:
    """What a client is made of. None leaves a choice to the environment and to the SDK.

    Attributes:
        host: A short name or a URL.
        api_key_file: The file that holds the API key.
        timeout: Seconds for one HTTP attempt.
    """

    host: str | None = None
    api_key_file: Path | None = None
    timeout: float | None = None

    def open(self) -> Rodin:
        """Returns a client.

        Raises:
            CommandError: The file of the API key cannot be used.
            ConfigurationError: Something else cannot.
        """
        api_key = None if self.api_key_file is None else read_api_key(self.api_key_file)
        client = Rodin(api_key, base_url=self.host)
        return client if self.timeout is None else client.with_options(request_timeout=self.timeout)
