"""The application: pages, and what they ask for as JSON. Every answer is computed elsewhere.

A request that cannot be used is answered with a status of 4xx and {"error": one message}.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from sublearn.errors import InputError, SublearnError
from sublearn.files.reading import file_bytes, json_value, typed
from sublearn.report.charts.palette import PALETTE
from sublearn.report.template import environment
from sublearn.results.single import PAGE
from sublearn.seeds import LARGEST_SEED
from sublearn.server import knobs, language
from sublearn.server.calls import Worker
from sublearn.server.folders import Folders, NothingThere
from sublearn.server.guard import LARGEST_BODY, REPORT_POLICY, Guard
from sublearn.server.orders import MOST_RUNS, Busy, Order

HERE = Path(__file__).parent
PAGES = {"/": "lab", "/compare": "compare", "/steps": "steps", "/numbers": "numbers"}
"""Each page's template, which loads the module of the same name."""
TITLES = {"lab": "Laboratory", "compare": "Compare", "steps": "Step by step", "numbers": "Rows and preferences"}
LARGEST_REPORT = 1 << 28


class Named(BaseModel):
    """A request about one run directory."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(max_length=300)


class Walked(BaseModel):
    """A request for one seed step by step."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    order: Order
    seed: int = Field(ge=0, le=LARGEST_SEED)


class Asked(Named):
    """A question to a kept model."""

    seed: int = Field(ge=0, le=LARGEST_SEED)
    model: str = Field(max_length=300)
    question: str = Field(max_length=300)


async def _given(request: Request) -> Any:
    """The request's JSON."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "The request must be JSON (Content-Type: application/json).")
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise HTTPException(413, f"The request has more than {LARGEST_BODY:,} bytes.")
    return json_value(body, "The request")


Given = Annotated[Any, Depends(_given)]


def make_app(runs: Path, port: int) -> ASGIApp:
    """The application for a folder of run directories, to be served at this port."""
    folders, worker = Folders(runs), Worker()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        del app
        yield
        worker.end()
        folders.orders.stop_own()

    app = FastAPI(lifespan=life, docs_url=None, redoc_url=None, openapi_url=None)
    _add_pages(app)
    _add_runs(app, folders)
    _add_orders(app, folders)
    _add_language(app, folders, worker)
    _add_errors(app)
    return Guard(app, port)


def _add_pages(app: FastAPI) -> None:
    """The pages with their style, and what they load."""

    def page_of(name: str) -> Callable[[], HTMLResponse]:
        def page() -> HTMLResponse:
            template = _templates().get_template(f"{name}.html.j2")
            return HTMLResponse(template.render(page=name, titles=TITLES, pages=PAGES))

        return page

    for path, name in PAGES.items():
        app.get(path)(page_of(name))

    @app.get("/style.css")
    def style() -> Response:
        return Response(_templates().get_template("style.css.j2").render(palette=PALETTE), media_type="text/css")

    app.mount("/static", StaticFiles(directory=HERE / "static"))


def _add_runs(app: FastAPI, folders: Folders) -> None:
    """Studies, and the run directories: listed, shown, compared, with their reports."""

    @app.get("/api/studies")
    def studies() -> Any:
        return JSONResponse({"studies": knobs.studies(), "most": MOST_RUNS})

    @app.get("/api/runs")
    def listed() -> Any:
        return JSONResponse({"runs": folders.rows()})

    @app.get("/api/run")
    def shown(name: str, version: str = "") -> Any:
        value = folders.view(name)
        return Response(status_code=204) if value["version"] == version else JSONResponse(value)

    @app.get("/api/compare")
    def compared(first: str, second: str) -> Any:
        return JSONResponse(folders.compared(first, second))

    @app.get("/report")
    def report(name: str) -> Any:
        file = folders.path(name) / PAGE
        if not file.is_file():
            raise NothingThere("There is no report yet. It is written when the run ends.")
        policy = {"Content-Security-Policy": REPORT_POLICY}
        return HTMLResponse(file_bytes(file, "the report", LARGEST_REPORT), headers=policy)


def _add_orders(app: FastAPI, folders: Folders) -> None:
    """Runs that are started, resumed and stopped, and the command that would do the same."""

    @app.post("/api/start")
    def start(given: Given) -> Any:
        return JSONResponse({"name": folders.orders.start(typed(Order, given, "The request"))})

    @app.post("/api/resume")
    def resume(given: Given) -> Any:
        name = typed(Named, given, "The request").name
        folders.path(name)
        started = folders.orders.started(name)
        if started is None:
            raise NothingThere("This run was not started here. Its own command resumes it.")
        return JSONResponse({"name": folders.orders.start(started.order)})

    @app.post("/api/stop")
    def stop(given: Given) -> Any:
        name = typed(Named, given, "The request").name
        folders.path(name)
        return JSONResponse({"stopped": folders.orders.stop(name)})

    @app.post("/api/command")
    def command(given: Given) -> Any:
        order = typed(Order, given, "The request")
        return JSONResponse({"command": order.command(folders.folder / order.asked().id)})


def _add_language(app: FastAPI, folders: Folders, worker: Worker) -> None:
    """What is computed beside: one seed step by step, and what a kept model answers; and the rows that were kept."""

    @app.post("/api/walk")
    def walk(given: Given) -> Any:
        asked = typed(Walked, given, "The request")
        asked.order.asked()
        return JSONResponse(worker.call("walk", order=asked.order.model_dump(mode="json"), seed=asked.seed))

    @app.get("/api/kept")
    def kept(name: str) -> Any:
        return JSONResponse(language.overview(folders.path(name)))

    @app.get("/api/rows")
    def rows(name: str, seed: int, source: str, page: int = 0) -> Any:
        return JSONResponse(language.page(folders.path(name), seed, source, page))

    @app.post("/api/ask")
    def ask(given: Given) -> Any:
        asked = typed(Asked, given, "The request")
        place = language.place_of(folders.path(asked.name), asked.seed)
        return JSONResponse(worker.call("ask", folder=str(place), model=asked.model, question=asked.question))


def _add_errors(app: FastAPI) -> None:
    """What is wrong with a request, in one message."""

    @app.exception_handler(SublearnError)
    def unusable(request: Request, error: Exception) -> Response:
        del request
        kinds = {Busy: 409, NothingThere: 404, InputError: 400}
        return _error(next((status for kind, status in kinds.items() if isinstance(error, kind)), 500), str(error))

    @app.exception_handler(RequestValidationError)
    def no_query(request: Request, error: Exception) -> Response:
        del request
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        return _error(400, f"The request cannot be used: {first['loc'][-1]}: {first['msg']}.")

    @app.exception_handler(HTTPException)
    def other(request: Request, error: Exception) -> Response:
        del request
        assert isinstance(error, HTTPException)
        return _error(error.status_code, error.detail)


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)


@cache
def _templates() -> Environment:
    return environment("server/pages", "report")
