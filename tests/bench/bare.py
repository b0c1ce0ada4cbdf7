"""What HTTP itself costs: a Starlette handler that reads JSON and says 202, on uvicorn as the product runs it."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.web import collect_seldom


async def post(request: Request) -> Response:
    await request.json()
    return JSONResponse({"accepted": 1}, 202)


def main() -> None:
    """Serve on the port that is given."""
    collect_seldom()
    app = Starlette(routes=[Route("/e", post, methods=["POST"])])
    uvicorn.run(
        app, port=int(sys.argv[1]), http="httptools", loop="uvloop", lifespan="off", access_log=False, log_config=None
    )


if __name__ == "__main__":
    main()
