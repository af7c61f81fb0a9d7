"""Tokens, names, origins and the headers that every answer carries."""

import asyncio
import json
import logging

import httpx
import pytest
from fastapi import FastAPI

from engine.errors import OptionError
from engine.serve import ServeOptions, create_app
from engine.serve.logs import JsonLines
from tests.serve.serving import serving

TOKEN = "correct-horse"
FRIEND = "https://friend.example"


@pytest.fixture(scope="module")
def guarded(tiny):
    """A service with a token, a name and a friendly origin."""
    with serving(
        tiny, token=TOKEN, hosts=("127.0.0.1", "photos.example"), origins=(FRIEND,)
    ) as served:
        yield served


BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    "path", ["/v1/styles", "/v1/models", "/metrics", "/openapi.json", "/api/remove", "/nothing"]
)
@pytest.mark.parametrize(
    "wrong", [{}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN},
              {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer é".encode()}],
)  # fmt: skip
def test_nothing_is_told_without_the_token(guarded, path, wrong):
    answer = guarded.get(path, headers=wrong)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:cartoonify:token"


def test_the_token_opens(guarded, person):
    assert guarded.post("/v1/cartoon", person, headers=BEARER).status_code == 200


def test_the_page_and_the_probes_need_no_token(guarded):
    for path in ("/", "/page/index.html", "/healthz", "/readyz"):
        assert guarded.get(path).status_code == 200


def test_another_name_is_refused_because_it_may_be_rebound(guarded):
    for host in ("evil.example", "127.0.0.1.evil.example", "", "[::1]"):
        assert guarded.get("/healthz", headers={"Host": host}).status_code == 421
    for host in ("photos.example", "PHOTOS.example:80", f"127.0.0.1:{guarded.port}"):
        assert guarded.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_pages_of_other_sites_cannot_make_it_work(guarded, served, person, site):
    stranger = {"Sec-Fetch-Site": site, "Origin": "https://evil.example"}
    assert served.post("/v1/cartoon", person, headers=stranger).status_code == 403
    refused = guarded.post("/v1/cartoon", person, headers=stranger | BEARER)
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers
    friend = {"Sec-Fetch-Site": site, "Origin": FRIEND}
    answer = guarded.post("/v1/cartoon", person, headers=friend | BEARER)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "Cartoonify-Share" in answer.headers["access-control-expose-headers"]


def test_a_friends_page_can_ask_first_and_read_problems(guarded):
    asks = {"Origin": FRIEND, "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization"}  # fmt: skip
    assert guarded.client.options("/v1/cartoon", headers=asks).status_code == 200
    problem = guarded.get("/v1/styles", headers={"Origin": FRIEND})
    assert problem.status_code == 401
    assert problem.headers["access-control-allow-origin"] == FRIEND


def test_other_origins_are_off_unless_asked_for(served):
    answer = served.get("/v1/styles", headers={"Origin": FRIEND})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/", "/v1/styles", "/nothing", "/page/index.html"])
def test_every_answer_is_guarded(served, path):
    headers = served.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == (
        "no-cache" if path in ("/", "/page/index.html") else "no-store"
    )
    assert "server" not in headers


def test_a_request_keeps_its_id_if_it_is_a_plain_one(served):
    def send(request_id):
        return served.get("/healthz", headers={"X-Request-ID": request_id}).headers["x-request-id"]

    assert send("a-1.b") == "a-1.b"
    for odd in ("a b", "x" * 65, "<script>"):
        assert send(odd) != odd


def test_the_log_is_json_and_has_no_names_unless_asked(served, person, caplog):
    with caplog.at_level(logging.INFO, "engine.serve"):
        served.client.post("/v1/cartoon?style=oil", files={"file": ("secret.png", person)})
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records
             if record.name == "engine.serve"]  # fmt: skip
    (line,) = [line for line in lines if line.get("route") == "/v1/cartoon"]
    assert line["status"] == 422
    assert line["problem"] == "option"
    assert len(line["request_id"]) == 16
    assert "secret" not in json.dumps(lines)


def test_a_bug_is_logged_with_its_place_but_not_with_its_words():
    try:
        raise RuntimeError("secret.png")
    except RuntimeError as error:
        record = logging.LogRecord(
            "engine.serve", logging.ERROR, __file__, 1, "unexpected error", (),
            (type(error), error, error.__traceback__),
        )  # fmt: skip
    line = json.loads(JsonLines().format(record))
    assert "test_guards.py" in line["trace"]
    assert line["error"] == "RuntimeError"
    assert "secret" not in json.dumps(line).replace('raise RuntimeError(\\"secret.png\\")', "")


@pytest.mark.parametrize(
    "wrong",
    [{"queue": -1}, {"queue": 1.5}, {"max_megabytes": 0}, {"max_megapixels": float("nan")},
     {"request_seconds": "60"}, {"token": "a b"}, {"token": "ä"}, {"origins": ("friend",)},
     {"jobs": 0}, {"kept_photos": 0}, {"stall_seconds": float("inf")}, {"kept_minutes": True}],
)  # fmt: skip
def test_wrong_options_are_refused(wrong):
    with pytest.raises(OptionError):
        ServeOptions(**wrong)


def test_it_is_mounted_below_a_path(tiny, person):
    parent = FastAPI()
    parent.mount("/photos", create_app(ServeOptions(token=TOKEN), tiny))

    async def try_it():
        transport = httpx.ASGITransport(parent)
        async with httpx.AsyncClient(transport=transport, base_url="http://any") as client:
            for _ in range(600):
                ready = await client.get("/photos/readyz")
                if ready.status_code == 200:
                    break
                await asyncio.sleep(0.05)
            page = await client.get("/photos/")
            refused = await client.get("/photos/v1/styles")
            return ready, page, refused

    ready, page, refused = asyncio.run(try_it())
    assert (ready.status_code, page.status_code, refused.status_code) == (200, 200, 401)
