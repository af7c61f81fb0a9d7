"""What the service answers to what it is asked."""

import base64
import io
import json
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest

from engine.cartoon.colours import Palette
from engine.cli.request import RunRequest
from engine.options import (
    EDGES,
    FORMATS,
    KINDS,
    POLICIES,
    STYLES,
    CartoonOptions,
    CutoutOptions,
)
from engine.serve.answers import negotiate
from engine.serve.parameters import NAMES, SCHEMAS, parse
from tests.serve.serving import decode, encode

OWN = {"name", "measure"}
"""Options that the command line does not have."""
NOT_PER_PHOTO = {
    "inputs", "out", "models", "provider", "threads", "max_megapixels", "recursive", "files_from",
    "jobs", "resume", "watch", "dry_run", "ray", "ray_address", "report", "figures", "overwrite",
    "as_json", "quiet", "verbose", "demo", "version",
    "start", "end", "fps", "every", "camera",
}  # fmt: skip
"""Options of a run that say nothing of how a photo is drawn, or that name files and machines."""


def test_options_are_the_command_lines():
    asked = {field.name for field in fields(RunRequest)} - NOT_PER_PHOTO
    assert asked == NAMES - OWN


def test_defaults_are_the_command_lines():
    defaults = {field.name: field.default for field in fields(RunRequest)}
    for name in NAMES - OWN:
        assert SCHEMAS[name].get("default") == defaults[name], name


def test_choices_are_the_engines():
    assert SCHEMAS["style"]["enum"] == list(STYLES)
    assert SCHEMAS["format"]["enum"] == list(FORMATS)
    assert SCHEMAS["edges"]["enum"] == list(EDGES)
    assert SCHEMAS["metadata"]["enum"] == list(POLICIES)
    assert all(kind in SCHEMAS["save"]["description"] for kind in KINDS)


def test_what_is_asked_for_by_default_is_what_the_command_line_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked, request = parse({}, "cartoon", "any"), RunRequest(inputs=["me.png"], out="me_out.png")
    recipe = request.recipe
    got = asked.segment, asked.cutout, asked.cartoon, asked.output
    assert got == (recipe.segment, recipe.cutout, recipe.cartoon, request.target.options)


@pytest.mark.parametrize("kind", ["cartoon", "cutout", "mask"])
def test_a_photo_gives_the_engines_own_bytes(served, tiny, person, kind):
    answer = served.post(f"/v1/{kind}", person)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == tiny(person).encode(kind)


def test_a_picture_says_what_is_known_of_it(served, tiny, person):
    answer = served.post("/v1/cartoon", person, params={"measure": "true", "name": "Zoë"})
    result = tiny(person)
    assert float(answer.headers["cartoonify-share"]) == pytest.approx(result.share, abs=1e-6)
    assert answer.headers["cartoonify-palette"].split(",") == result.palette.by_share
    assert json.loads(answer.headers["cartoonify-metrics"]) == pytest.approx(result.metrics)
    assert answer.headers["content-disposition"].endswith("''Zo%C3%AB_cartoon.png")
    assert {"network", "cartoon", "encode"} <= {
        stage.partition(";")[0] for stage in answer.headers["server-timing"].split(", ")
    }


def test_a_form_gives_the_same_as_a_body_with_a_query(served, person):
    options = {"style": "ink", "format": "webp", "size": "100", "background": "navy"}
    plain = served.post("/v1/cartoon", person, params=options)
    form = served.client.post("/v1/cartoon", files={"file": ("me.png", person)}, data=options)
    assert plain.status_code == form.status_code == 200
    assert plain.content == form.content
    assert form.headers["content-disposition"].endswith("''me_cartoon.webp")


def test_several_pictures_are_a_zip_with_the_command_lines_names(served, tiny, person):
    answer = served.client.post(
        "/v1/cartoon", params={"save": "cutout,mask,palette,svg"},
        files={"file": ("me.png", person)},
    )  # fmt: skip
    assert answer.headers["content-type"] == "application/zip"
    result = tiny(person, name="me")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        got = {name: archive.read(name) for name in archive.namelist()}
    assert got == {
        "me_cutout.png": result.encode("cutout"), "me_mask.png": result.encode("mask"),
        "me_palette.json": result.encode("palette"), "me_cartoon.svg": result.encode("svg"),
    }  # fmt: skip


def test_json_has_all_there_is(served, tiny, person):
    answer = served.post("/v1/cartoon", person, headers={"Accept": "application/json"})
    got, result = answer.json(), tiny(person)
    assert got["metrics"] == pytest.approx(result.metrics)
    assert got["palette"] == result.palette.by_share
    assert (got["width"], got["height"], got["warnings"]) == (210, 150, [])
    start, data = got["pictures"]["photo_cartoon.png"].split(",")
    assert start == "data:image/png;base64"
    assert base64.b64decode(data) == result.encode("cartoon")


def test_json_stays_json_where_a_metric_is_infinite(served):
    plain = encode(np.full((40, 40, 3), 255, np.uint8))
    answer = served.post("/v1/cartoon", plain, headers={"Accept": "application/json"})
    got = json.loads(answer.text, parse_constant=pytest.fail)
    assert got["warnings"] == ["no person found, nothing is kept"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [("", "image/png"), ("*/*", "image/png"), ("image/*", "image/png"),
     ("image/webp", "image/webp"), ("image/jpeg;q=0.5, image/webp;q=0.7", "image/webp"),
     ("image/svg+xml", "image/svg+xml"), ("image/png;q=0, image/*", "image/jpeg"),
     ("text/html, application/zip;q=0.1", "application/zip")],
)  # fmt: skip
def test_the_client_chooses_by_accept(served, person, accept, media_type):
    answer = served.post("/v1/cartoon", person, headers={"Accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == media_type


def test_what_is_not_there_cannot_be_accepted(served, person):
    assert negotiate("text/html", ["image/png"]) is None
    answer = served.post("/v1/cartoon", person, headers={"Accept": "text/html"})
    assert answer.status_code == 406


@pytest.mark.parametrize(
    ("options", "option"),
    [("background=/etc/passwd", "background"), ("background=beach.jpg", "background"),
     ("background=http://example.org/a.png", "background"), ("background=", "background"),
     ("palette=x.json", ""), ("palette=/etc/passwd", ""), ("model=/tmp/model.onnx", "model"),
     ("lines=3", ""), ("lines=nan", ""), ("colours=1", ""), ("colours=1_0", "colours"),
     ("style=oil", ""), ("format=gif", ""), ("save=", "save"), ("crop=perhaps", "crop"),
     ("keep=unicorn", ""), ("out=/tmp", "out"), ("style=ink&style=comic", "style"),
     ("colors=4&colours=4", "colours"), ("background=transparent&format=jpg", ""),
     ("style=classic&lines=0.5", "style"), ("people=0", ""), ("size=70000", "")],
)  # fmt: skip
def test_a_wrong_option_is_told_and_no_path_is_opened(served, person, options, option):
    answer = served.post(f"/v1/cartoon?{options}", person)
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == "urn:cartoonify:option"
    assert problem.get("option", "") == option
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_a_background_and_a_palette_are_uploaded(served, tiny, person, person_photo):
    scene = np.full((30, 40, 3), (20, 40, 90), np.uint8)
    colours = '["#102030", "#f0e0d0"]'
    answer = served.client.post(
        "/v1/cartoon",
        files={"file": person, "background": encode(scene), "palette": ("p.json", colours)},
    )
    app = tiny.replace(
        cutout=CutoutOptions(scene), cartoon=CartoonOptions(palette=Palette.from_json(colours))
    )
    assert answer.content == app(person).encode("cartoon")
    answer = served.client.post("/v1/cartoon", files={"file": person, "palette": person})
    app = tiny.replace(cartoon=replace(tiny.cartoon, palette=tiny(person).palette))
    assert answer.content == app(person).encode("cartoon")


def test_a_broken_background_is_a_wrong_option(served, person):
    answer = served.client.post("/v1/cartoon", files={"file": person, "background": b"none"})
    assert answer.status_code == 422
    assert answer.json()["option"] == "background"


def test_a_photo_that_is_kept_is_drawn_again(served, tiny, person):
    kept = served.client.post("/v1/photos", files={"file": ("me.png", person)})
    assert kept.status_code == 201
    about = kept.json()
    assert (about["name"], about["width"], about["height"]) == ("me", 210, 150)
    assert about["share"] == pytest.approx(tiny(person).share, abs=0.1)
    path = f"/v1/photos/{about['id']}"
    assert served.post(f"{path}/cartoon").content == tiny(person).encode("cartoon")
    ink = served.client.post(f"{path}/cartoon", data={"style": "ink"})
    assert ink.content == served.post("/v1/cartoon?style=ink", person).content
    kept = served.post("/v1/photos?precise=true", person)
    assert kept.status_code == 201
    precise = served.post(f"/v1/photos/{kept.json()['id']}/mask?precise=true")
    assert precise.content == served.post("/v1/mask?precise=true", person).content
    kept_all = served.post(f"{path}/mask?keep=all")
    assert kept_all.content == served.post("/v1/mask?keep=all", person).content
    scene = served.client.post(f"{path}/cutout", files={"background": person})
    assert scene.status_code == 200
    assert served.client.delete(path).status_code == 204
    for gone in (served.client.delete(path), served.post(f"{path}/cartoon")):
        assert gone.status_code == 404
        assert gone.json()["type"] == "urn:cartoonify:unknown-photo"


def test_a_photo_without_anybody_is_kept_with_a_warning(served):
    about = served.post("/v1/photos", encode(np.zeros((50, 50, 3), np.uint8))).json()
    assert about["warnings"] == ["no person found, nothing is kept"]


def test_options_of_the_drawing_are_not_taken_when_a_photo_is_kept(served, person):
    assert served.post("/v1/photos?style=ink", person).json()["option"] == "style"


def test_rembgs_interface_gives_a_cutout_on_nothing(served, tiny, person):
    answer = served.client.post(
        "/api/remove", files={"file": ("me.png", person)},
        data={"model": "u2net", "a": "true", "ppm": "true"},
    )  # fmt: skip
    app = tiny.replace(cutout=CutoutOptions("transparent"))
    assert answer.headers["content-type"] == "image/png"
    assert decode(answer.content).shape == (150, 210, 4)
    assert answer.content == app(person).encode("cutout")
    assert len(json.loads(answer.headers["cartoonify-notes"])) == 3


def test_rembgs_mask_and_background_are_understood(served, person):
    send = {"files": {"file": ("me.png", person)}}
    mask = served.client.post("/api/remove?om=true", **send)
    assert mask.content == served.post("/v1/mask", person).content
    white = served.client.post("/api/remove", params={"bgc": "0,0,128,255"}, **send)
    assert white.content == served.post("/v1/cutout?background=navy", person).content
    for wrong in ({"bgc": "0,0,999,255"}, {"bgc": "red"}, {"om": "perhaps"}):
        assert served.client.post("/api/remove", params=wrong, **send).status_code == 422


def test_no_url_is_fetched(served):
    answer = served.get("/api/remove", params={"url": "http://127.0.0.1/"})
    assert answer.status_code == 405
    assert "no URL" in answer.json()["detail"]


def test_the_service_tells_of_itself(served, tiny):
    assert served.get("/healthz").json() == {"status": "ok"}
    (model,) = served.get("/v1/models").json()["models"]
    assert model["name"] == tiny.model.name
    assert model["classes"][15] == "person"
    styles = served.get("/v1/styles").json()
    assert [style["name"] for style in styles["styles"]] == list(STYLES)
    assert styles["limits"]["max_megabytes"] == 50
    assert "<title>Cartoonify" in served.get("/").text


def test_measures_are_in_prometheus_format(served, person):
    before = served.measure('requests_total{method="POST",route="/v1/mask",status="200"}')
    served.post("/v1/mask", person)
    served.post("/v1/mask?style=oil", person)
    assert (
        served.measure('requests_total{method="POST",route="/v1/mask",status="200"}') == before + 1
    )
    assert served.measure('refusals_total{reason="option"}') >= 1
    assert served.measure('stage_seconds_count{stage="network"}') >= 1
    assert served.measure("in_flight") == served.measure("queue") == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [("GET", "/nothing", 404, None), ("PUT", "/v1/cartoon", 405, "POST"),
     ("POST", "/healthz", 405, "GET"), ("GET", "/page/../app.py", 404, None),
     ("GET", "/page/%2e%2e/app.py", 404, None), ("GET", "/page/..%2fapp.py", 404, None)],
)  # fmt: skip
def test_what_is_not_there_is_a_problem_too(served, method, path, status, allow):
    answer = served.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("allow") == allow
