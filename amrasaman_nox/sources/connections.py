"""Connections to indexes: sessions, credentials, patience, faults."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from amrasaman_nox.sources import access

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from amrasaman_nox.model import IndexOptions


_MOST_CAUSES: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a server is given; all but ``attempts`` in seconds, ``slowest`` in bytes a second.

    A body that is slower than ``slowest`` after ``grace``, or longer than ``total``, is given up.
    """

    attempts: int = 4
    backoff: float = 0.5
    longest_wait: float = 30.0
    connect: float = 15.0
    read: float = 30.0
    grace: float = 30.0
    slowest: int = 1024
    total: float = 3600.0


class BrokenError(Exception):
    """A request failed through no fault of the input.

    ``status`` is that of the answer, 0 if none came.
    """

    def __init__(
        self,
        reason: str,
        *,
        again: bool = True,
        wait: float = 0.0,
        hint: str = "",
        status: int = 0,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.again = again
        self.wait = wait
        self.hint = hint
        self.status = status


class Connections:
    """HTTP sessions with the user's access and nothing of this process, one a thread at a time.

    Reading the certificates costs each new one more than fetching a small file.
    """

    def __init__(self, index: IndexOptions) -> None:
        self.index = index
        self._variables = dict(index.environment)
        self._local = threading.local()
        self._free: list[requests.Session] = []

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_: object) -> None:
        while self._free:
            self._free.pop().close()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Keep one session for this thread."""
        self._local.session = None
        try:
            yield
        finally:
            if self._local.session is not None:
                self._free.append(self._local.session)
                self._local.session = None

    def credentials(self, url: str, written_url: str | None) -> tuple[str, str] | None:
        """Return user name and password for *url* from URLs, variables or the netrc file."""
        return access.credentials_for(url, self.index, written_url) or self._netrc(
            access.host_of(url)
        )

    def get(
        self,
        url: str,
        credentials: tuple[str, str] | None,
        patience: Patience,
        accept: str = "*/*",
    ) -> requests.Response:
        """Ask for *url*; the body is not read yet."""
        import requests

        auth = None
        if credentials is not None:
            # As bytes, since text would be encoded in Latin 1.
            auth = requests.auth.HTTPBasicAuth(*(part.encode() for part in credentials))
        try:
            return self._session().get(
                url,
                headers={"Accept": accept},
                stream=True,
                allow_redirects=False,
                timeout=(patience.connect, patience.read),
                auth=auth,
                proxies=self._proxies(url),
                verify=self._verify(url),
            )
        except requests.exceptions.SSLError as error:
            raise BrokenError(f"TLS: {fault_of(error)}", again=False) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
            raise BrokenError(
                f"the URL or the proxy is not supported: {error}", again=False
            ) from error
        except requests.exceptions.RequestException as error:
            raise BrokenError(fault_of(error)) from error

    def _session(self) -> requests.Session:
        session: requests.Session | None = self._local.session
        if session is None:
            try:
                session = self._free.pop()
            except IndexError:
                session = _new_session()
                session.cert = self._variables.get("SSL_CLIENT_CERT")
            self._local.session = session
        return session

    def _proxies(self, url: str) -> dict[str, str]:
        if _is_excepted(url, self._variable("no_proxy")):
            return {}
        proxies = {scheme: self._variable(f"{scheme}_proxy") for scheme in ("http", "https", "all")}
        return {scheme: proxy for scheme, proxy in proxies.items() if proxy}

    def _variable(self, name: str) -> str:
        return self._variables.get(name) or self._variables.get(name.upper()) or ""

    def _verify(self, url: str) -> bool | str:
        if access.is_trusted(url, self.index):
            _silence_insecure()
            return False
        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
        return next((self._variables[name] for name in names if self._variables.get(name)), True)

    def _netrc(self, host: str) -> tuple[str, str] | None:
        import netrc

        home = self._variables.get("HOME")
        places = [self._variables.get("NETRC")] if self._variables.get("NETRC") else []
        places += [f"{home}/.netrc", f"{home}/_netrc"] if home and not places else []
        for place in places:
            with contextlib.suppress(OSError, netrc.NetrcParseError, UnicodeDecodeError):
                found = netrc.netrc(place).authenticators(host)
                return (found[0] or found[1] or "", found[2] or "") if found else None
        return None


def _new_session() -> requests.Session:
    """Return a session that follows no redirect and reads no variable."""
    import requests

    class Session(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            # Even told not to follow, the library would read the whole body of a redirect.
            return None

    session = Session()
    session.trust_env = False
    session.headers.update({"User-Agent": "amrasaman-nox", "Accept-Encoding": "identity"})
    return session


def _is_excepted(url: str, no_proxy: str) -> bool:
    """Return whether *no_proxy* excepts the host of *url* (names, their subdomains, or ``*``)."""
    host = access.host_of(url)
    port = access.port_of(url)
    for entry in no_proxy.replace(" ", "").lower().split(","):
        name = entry.lstrip(".")
        if name == "*" or (name and name in {host, f"{host}:{port}"}):
            return True
        if name and host.endswith(f".{name}"):
            return True
    return False


def _silence_insecure() -> None:
    """Keep the HTTP library from warning at each request to a host that the user trusts."""
    import urllib3

    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


def fault_of(error: BaseException) -> str:
    """Return the innermost cause that says something, without URLs and what they may hold."""
    reason = ""
    for cause in _causes(error):
        if isinstance(cause, TimeoutError) or "Timeout" in type(cause).__name__:
            return "timed out"
        if type(cause).__name__ == "IncompleteRead":
            return "truncated"
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            reason = cause.strerror
    return reason or "the connection broke"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and what it wraps; the HTTP libraries do so in several ways."""
    cause: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if cause is None:
            return
        yield cause
        wrapped = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        cause = next((one for one in wrapped if isinstance(one, BaseException)), None)
