"""An application of your own with the engine in it: `uvicorn --app-dir examples fastapi_mount:app`.

The whole service, with its page, is below /cartoons; /portraits is an endpoint of the application's
own. Both share one loaded model. Needs the extra `serve`.
"""

from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException, Response, UploadFile

import engine
from engine.serve import ServeOptions, create_app

cartoonifier = engine.load(max_megapixels=12)  # thread-safe
cartoons = create_app(ServeOptions(max_megapixels=12, kept_minutes=5), cartoonifier)


@asynccontextmanager
async def lifespan(app):
    # That of what is mounted does not run by itself. It compiles the kernels at the start, and
    # finishes at the end what was accepted.
    async with cartoons.router.lifespan_context(cartoons):
        yield


app = FastAPI(title="Family album", lifespan=lifespan)
app.mount("/cartoons", cartoons)


@app.post("/portraits", response_class=Response)
def draw_portrait(file: UploadFile):
    """The people of a photo as an ink drawing, cropped. Not `async`, so that others are served."""
    ink = cartoonifier.replace(cartoon=engine.CartoonOptions("ink"))
    try:
        result = ink(file.file)
    except engine.PhotoError as error:
        raise HTTPException(415, str(error)) from None
    if result.warnings:
        raise HTTPException(422, result.warnings[0])
    return Response(result.encode("cartoon", crop=True, size=800), media_type="image/png")
