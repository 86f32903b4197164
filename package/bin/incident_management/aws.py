"""Make boto3 clients of AWS services with the app's account, proxy and certificates."""

from __future__ import annotations

import re
import socket
import warnings
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Iterator, List, Optional, Pattern, Tuple
from urllib.parse import urlsplit

from .hosts import is_among, is_loopback
from .outside.bounded import timed_response

if TYPE_CHECKING:
    from .splunk.configuration.settings import Proxy

__all__ = ["Keys", "client", "host_of", "proxy_url", "quiet", "trusted"]

CONNECT_SECONDS = 10
ANSWER_BYTES = 20_000_000

# Access key id, secret access key, session token (None: there is none).
Keys = Tuple[str, str, Optional[str]]


def client(
    service: str,
    region: str,
    keys: Keys,
    endpoint_url: str = "",
    timeout_seconds: float = 60.0,
    roots: str = "",
    proxy: str = "",
) -> Any:
    """Return a client that sends each request once; the caller decides about retries.

    Args:
        endpoint_url: "" for AWS's own.
        timeout_seconds: the longest time for a whole answer, from its first byte to its last.
        roots: what :func:`trusted` yields.
        proxy: what :func:`proxy_url` returns for this service.
    """
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=timeout_seconds,
        retries={"total_max_attempts": 1},
        proxies={"http": proxy, "https": proxy} if proxy else {},
    )
    key, secret, token = keys
    made = boto3.session.Session().client(
        service,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        endpoint_url=endpoint_url or None,
        verify=roots or True,
        config=config,
    )
    _bound(made, timeout_seconds)
    return made


def _bound(made: Any, seconds: float) -> None:
    """Limit the time of a whole answer: botocore's own limit is for each read."""
    from botocore import awsrequest

    # What urllib3 and botocore take for a read that timed out.
    answer = timed_response(lambda: seconds, ANSWER_BYTES, socket.timeout)

    class _Http(awsrequest.AWSHTTPConnection):
        response_class = answer

    class _Https(awsrequest.AWSHTTPSConnection):
        response_class = answer

    pools = {
        "http": type("_HttpPool", (awsrequest.AWSHTTPConnectionPool,), {"ConnectionCls": _Http}),
        "https": type(
            "_HttpsPool", (awsrequest.AWSHTTPSConnectionPool,), {"ConnectionCls": _Https}
        ),
    }
    # botocore has no public way; the names are those of the version that is shipped. The second is
    # for connections, the first for the proxies' managers, which are made when they are needed.
    session = made._endpoint.http_session
    session._pool_classes_by_scheme = pools
    session._manager.pool_classes_by_scheme = pools


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress boto3's warning about Python 3.9 at import, which splunkd shows as an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Boto3 will no longer support")
        warnings.filterwarnings("ignore", message=".*[Pp]ython.*deprecat.*")
        yield


@contextmanager
def trusted(ca_file: str) -> Iterator[str]:
    """Yield a file with all trusted roots, "" for the bundled ones: botocore takes only one file.

    Raises OSError when ``ca_file`` can't be read.
    """
    if not ca_file:
        yield ""
        return
    import certifi

    own = Path(ca_file).read_bytes()
    with TemporaryDirectory(prefix="incident_management_") as folder:
        roots = Path(folder) / "roots.pem"
        roots.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + own)
        yield str(roots)


def host_of(service: str, region: str) -> str:
    """Return AWS's host of a service in a region, including China and sovereign clouds."""
    suffix = next((one for regions, one in _partitions() if regions.match(region)), "amazonaws.com")
    return f"{service}.{region}.{suffix}"


@lru_cache(maxsize=1)
def _partitions() -> List[Tuple[Pattern[str], str]]:
    """Return the region pattern and DNS suffix of each AWS partition.

    They come from botocore's bundled file, not from one that this machine's user may have.
    """
    from botocore.loaders import Loader

    loader = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    known = loader.load_data("partitions")["partitions"]
    return [(re.compile(one["regionRegex"]), str(one["outputs"]["dnsSuffix"])) for one in known]


def proxy_url(proxy: Proxy, service: str, region: str, endpoint_url: str) -> str:
    """Return the proxy's URL for a service, including its login; empty if none is used.

    This machine and the hosts in ``no_proxy`` are reached without it. The host is the configured
    endpoint's, or AWS's own, which may also name a private endpoint in the network.
    """
    if not proxy.enabled or not proxy.host:
        return ""
    host = urlsplit(endpoint_url).hostname or host_of(service, region)
    return "" if is_loopback(host) or is_among(host, proxy.no_proxy) else proxy.url
