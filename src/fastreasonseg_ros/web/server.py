"""Serves the page until the process is interrupted. One page for every browser, one `Viewer` for all."""

from __future__ import annotations

import contextlib
import ipaddress
import socket

from nicegui import app, ui
from nicegui.client import Client
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response

from ..errors import ConfigError, ReasonSegError
from .page import Page
from .viewer import Viewer, ViewSettings

END_S = 2  # that browsers have to go when the process ends


def serve(settings: ViewSettings) -> None:
    """Raises ConfigError for an address that cannot be used or settings that cannot be."""
    _check_address(settings)
    viewers: list[Viewer] = []

    async def start() -> None:
        viewers.append(Viewer(settings))
        print(f"fastreasonseg view: {address_of(settings)} (end with Ctrl-C)", flush=True)

    async def stop() -> None:
        for viewer in viewers:
            await viewer.close()

    @ui.page("/", title="fastreasonseg")
    def index(client: Client) -> None:
        Page(viewers[0], client)

    @app.get("/picture")
    async def picture(entry: int = 0) -> Response:
        """The newest picture, with the objects of that entry; n of the address only keeps it from being cached."""
        shown = viewers[0].log.entry(entry)
        frame = viewers[0].feed.frame(paired=shown is not None and shown.shows_objects)
        if frame is None:
            return Response("no picture has come", 503)
        try:
            data = await viewers[0].pictures.jpeg(frame, shown)
        except ReasonSegError as error:
            return Response(str(error), 503)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    app.on_startup(start)
    app.on_shutdown(stop)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings.host))
    with contextlib.suppress(KeyboardInterrupt):  # raised again after everything was closed
        ui.run(
            host=settings.host,
            port=settings.port,
            title="fastreasonseg",
            dark=None,  # as the browser is set
            tailwind=False,
            reload=False,
            show=False,
            show_welcome_message=False,
            binding_refresh_interval=None,
            timeout_graceful_shutdown=END_S,
        )


def address_of(settings: ViewSettings) -> str:
    """What to type into a browser on this machine."""
    host = settings.host
    if _is_everywhere(host):
        host = socket.gethostname()
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def allowed_hosts(host: str) -> list[str]:
    """Host names in requests that are answered.

    On loopback only its own names: a page of the internet whose name is made to lead to 127.0.0.1 (DNS rebinding) must
    not ask in its reader's browser. Elsewhere any, since the machine's names are not known here.
    """
    return ["localhost", "127.0.0.1", "[::1]", host] if _is_loopback(host) else ["*"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def _check_address(settings: ViewSettings) -> None:
    """Raises ConfigError with what to do where the address cannot be listened on."""
    try:
        family, *_, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ConfigError(
            f"{settings.host} port {settings.port} cannot be served ({error.strerror or error}); "
            "give an address of this machine with --host, and a free port with --port"
        ) from error
