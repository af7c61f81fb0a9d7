"""The whole way of a photo, on the tiny model and on the embedded one."""

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

import engine
from engine.reference.decode import decode_segmap
from engine.reference.labels import upsample_labels
from engine.reference.stylise import cartoonize
from tests.tiny_model import FACTS, write_tiny_model

RED, NAVY = (engine.Palette.from_json(f'["{name}"]') for name in ("red", "navy"))
KNOBS = [
    {"style": "poster"}, {"style": "classic"}, {"colours": 5}, {"lines": 0}, {"detail": 2},
    {"vivid": 0.5}, {"palette": RED}, {"palette": NAVY}, {"split_p_value": 0.01},
]  # fmt: skip
STYLES = ["comic", "classic"]


def with_background(app, background):
    return app.replace(cutout=engine.CutoutOptions(background=background))


def far_inside(result):
    """Where the cut-out is whole, also a little further on: where no outline is."""
    return cv2.erode(np.uint8(result.alpha == 1), np.ones((31, 31))) == 1


def far_outside(result):
    return cv2.erode(np.uint8(result.alpha == 0), np.ones((31, 31))) == 1


def in_style(app, style, **knobs):
    return app.replace(cartoon=engine.CartoonOptions(style, **knobs))


def test_a_result_holds_what_is_promised(tiny, person_photo):
    result = tiny(person_photo)
    height, width = person_photo.shape[:2]
    for name, shape, dtype in [
        ("photo", (height, width, 3), np.uint8),
        ("label_map", (height, width), np.uint8),
        ("probability", (height, width), np.float32),
        ("alpha", (height, width), np.float32),
        ("cutout", (height, width, 3), np.uint8),
        ("cartoon", (height, width, 3), np.uint8),
    ]:
        array = getattr(result, name)
        assert array.shape == shape, name
        assert array.dtype == dtype, name
    assert result.style == "comic"
    assert set(result.centroids) == set(result.histograms) == {"lightness", "chroma", "hue"}
    assert result.palette.share.sum() == pytest.approx(1)
    assert set(result.timings) == {"read", "resize", "network", "matte", "cutout", "cartoon"}
    assert all(ms >= 0 for ms in result.timings.values())
    assert 0 < result.share < 1
    assert not result.warnings


def test_the_person_is_kept_and_the_rest_is_white(tiny, person_photo):
    result = tiny(person_photo)
    assert result.label_map[75, 105] == 15
    assert result.label_map[5, 5] == 0
    assert result.probability[75, 105] > 0.99
    assert_array_equal(result.cutout[75, 105], person_photo[75, 105])
    assert_array_equal(result.cutout[5, 5], [255, 255, 255])


def test_a_classic_cartoon_is_that_of_the_cutout_in_bgr(embedded, astronaut):
    result = in_style(embedded, "classic")(astronaut)
    assert result.style == "classic"
    assert set(result.centroids) == set(result.histograms) == {"hue", "saturation", "value"}
    assert_array_equal(result.cartoon[..., ::-1], cartoonize(result.cutout[..., ::-1]))


def test_the_label_map_is_the_argmax_of_the_upsampled_logits(embedded, astronaut):
    result = embedded(astronaut)
    assert_array_equal(
        result.label_map, upsample_labels(result.logits[0], 512, 512, align_corners=True)
    )


def test_the_embedded_model_finds_the_astronaut(embedded, astronaut):
    result = embedded(astronaut)
    assert 0.3 < result.share < 0.5
    assert result.alpha[90, 220] == 1  # the face
    assert result.alpha[20, 480] == 0  # the wall
    assert result.metrics["ssim"] > 0.7


@pytest.mark.parametrize("size", [(512, 512), (300, 512), (512, 200)])
def test_classic_equals_the_reference_fed_with_the_same_logits(embedded, astronaut, size):
    photo = np.ascontiguousarray(astronaut[: size[0], : size[1]])
    result = embedded.replace(segment=engine.SegmentOptions(classic=True))(photo)
    label_map = upsample_labels(result.logits[0], *result.label_map.shape)
    cutout = np.rint(255 * decode_segmap(label_map, photo)).astype(np.uint8)
    assert min(label_map.shape) == 450
    assert_array_equal(result.label_map, label_map)
    assert_array_equal(result.cutout, cutout)
    assert_array_equal(result.cartoon[..., ::-1], cartoonize(cutout[..., ::-1]))
    assert_array_equal(result.photo, photo)


def test_classic_can_keep_a_person_only(tiny):
    photo = np.full((90, 120, 3), (20, 20, 250), np.uint8)
    photo[:, 60:] = 250, 20, 20
    everything = tiny.replace(segment=engine.SegmentOptions(classic=True))(photo)
    # The left half is an aeroplane: its red is kept, green and blue are white.
    assert_array_equal(everything.cutout[200, 100], [20, 255, 255])
    assert_array_equal(everything.cutout[200, 500], [250, 20, 20])
    person = tiny.replace(segment=engine.SegmentOptions("person", classic=True))(photo)
    assert_array_equal(person.cutout[200, 100], [255, 255, 255])
    assert_array_equal(person.cutout[200, 500], [250, 20, 20])


def test_all_classes_or_some_are_kept(tiny):
    photo = np.full((90, 120, 3), (20, 20, 250), np.uint8)
    photo[:, 60:] = 250, 20, 20
    shares = {
        keep: tiny.replace(segment=engine.SegmentOptions(keep))(photo).share
        for keep in ("person", "aeroplane", "all", "dog")
    }
    assert shares["person"] == pytest.approx(0.5, abs=0.1)
    assert shares["aeroplane"] == pytest.approx(0.5, abs=0.1)
    assert shares["all"] > 0.95
    assert shares["dog"] == 0


def test_nothing_found_is_all_background_with_a_warning(tiny, caplog):
    photo = np.full((40, 50, 3), (10, 120, 10), np.uint8)
    result = tiny(photo)
    assert (result.cutout == 255).all()
    assert result.cartoon.shape == photo.shape
    assert result.warnings == ("no person found, nothing is kept",)
    assert "no person found" in caplog.text


def test_a_transparent_background_is_an_alpha_channel(tiny, person_photo):
    result = with_background(in_style(tiny, "classic"), "transparent")(person_photo)
    for picture in (result.cutout, result.cartoon):
        assert picture.shape == (*person_photo.shape[:2], 4)
        assert_array_equal(picture[..., 3], np.rint(result.alpha * 255))
        assert (picture[result.alpha == 0] == 0).all()


@pytest.mark.parametrize("style", ["comic", "poster", "ink"])
def test_a_transparent_drawing_is_so_by_its_own_silhouette(tiny, person_photo, style):
    app = in_style(tiny, style)
    result, on_white = with_background(app, "transparent")(person_photo), app(person_photo)
    assert_array_equal(result.cutout[..., 3], np.rint(result.alpha * 255))
    assert result.cartoon.shape == (*person_photo.shape[:2], 4)
    coverage = result.cartoon[..., 3:] / 255
    laid = 255 + coverage * (result.cartoon[..., :3] - 255.0)
    assert np.abs(laid - on_white.cartoon).max() <= 2
    assert coverage[75, 105] == 1
    assert coverage[5, 5] == 0


@pytest.mark.parametrize("style", STYLES)
def test_a_colour_and_a_picture_lie_behind(tiny, person_photo, tmp_path, style):
    tiny = in_style(tiny, style)
    Image.new("RGB", (30, 90), (1, 2, 3)).save(tmp_path / "night.png")
    by_colour = with_background(tiny, "#010203")(person_photo)
    by_picture = with_background(tiny, str(tmp_path / "night.png"))(person_photo)
    assert_array_equal(by_colour.cutout[5, 5], [1, 2, 3])
    assert_array_equal(by_colour.cartoon[5, 5], [1, 2, 3])
    assert_array_equal(by_colour.cutout, by_picture.cutout)
    assert_array_equal(by_colour.cartoon, by_picture.cartoon)


@pytest.mark.parametrize("style", STYLES)
def test_original_keeps_the_scene_and_draws_the_person(tiny, person_photo, style):
    tiny = in_style(tiny, style)
    result = with_background(tiny, "original")(person_photo)
    assert_array_equal(result.cutout, person_photo)
    outside, inside = far_outside(result), far_inside(result)
    assert_array_equal(result.cartoon[outside], person_photo[outside])
    assert_array_equal(result.cartoon[inside], tiny(person_photo).cartoon[inside])


def test_none_draws_the_whole_photo(tiny, astronaut):
    result = with_background(in_style(tiny, "classic"), "none")(astronaut)
    assert_array_equal(result.cutout, astronaut)
    assert_array_equal(result.cartoon[..., ::-1], cartoonize(astronaut[..., ::-1]))
    assert not np.shares_memory(result.cutout, result.photo)


@pytest.mark.parametrize("style", ["comic", "poster", "ink"])
def test_none_draws_the_whole_photo_in_any_style(tiny, astronaut, style):
    result = with_background(in_style(tiny, style), "none")(astronaut)
    assert_array_equal(result.cutout, astronaut)
    assert_array_equal(result.cartoon, engine.stylise(astronaut, style=style))
    assert_array_equal(result.photo, astronaut)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("background", ["transparent", "#203040", "original"])
def test_the_drawing_does_not_depend_on_the_background(embedded, astronaut, background, style):
    embedded = in_style(embedded, style)
    on_white = embedded(astronaut)
    other = with_background(embedded, background)(astronaut)
    inside = far_inside(on_white)
    difference = other.cartoon[..., :3][inside].astype(int) - on_white.cartoon[inside]
    assert np.abs(difference).max() <= (0 if style == "classic" else 1)  # mixing rounds
    for channel, levels in on_white.centroids.items():
        assert_array_equal(other.centroids[channel], levels)


@pytest.mark.parametrize("background", ["#000000", "transparent"])
def test_no_white_rim_on_a_dark_background(tiny, background):
    # A dark red person before a dark wall: nothing bright may appear between them.
    photo = np.full((160, 160, 3), (12, 20, 12), np.uint8)
    photo[40:120, 40:120] = 110, 8, 8
    app = tiny.replace(cutout=engine.CutoutOptions(background, threshold=0.02))
    result = app(photo)
    assert 0 < result.share < 1
    lightest = result.cartoon[80, 80].max()  # which a dark photo's is made to be
    for picture, most in ((result.cutout, 130), (result.cartoon, lightest)):
        assert picture[..., :3][result.alpha > 0].max() <= most


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (2, 3), (37, 53)])
@pytest.mark.parametrize("background", ["white", "transparent", "original", "none"])
def test_any_shape_goes_through(tiny, shape, background, style):
    tiny = in_style(tiny, style)
    photo = np.full((*shape, 3), (250, 20, 20), np.uint8)
    result = with_background(tiny, background)(photo)
    assert result.cartoon.shape[:2] == shape
    assert np.isnan(result.metrics["ssim"]) == (min(shape) < 7)


def test_every_input_type_gives_the_same(tiny, person_photo, tmp_path):
    path = tmp_path / "me.png"
    Image.fromarray(person_photo).save(path)
    expected = tiny(person_photo)
    with path.open("rb") as file, Image.open(path) as image:
        for source in (path, str(path), path.read_bytes(), file, image):
            result = tiny(source)
            assert_array_equal(result.cartoon, expected.cartoon)
            named = "photo" if isinstance(source, bytes) else "me"
            assert result.name == named


def test_the_photo_is_not_changed_and_not_shared(tiny, person_photo):
    before = person_photo.copy()
    result = tiny(before)
    result.photo[:] = 0
    assert_array_equal(before, person_photo)


def test_thread_counts_give_the_same(astronaut, monkeypatch):
    monkeypatch.setattr("engine.pipeline.usable_threads", lambda asked: asked)
    results = [engine.load(provider="cpu", threads=n)(astronaut) for n in (1, 2)]
    assert_array_equal(results[0].cartoon, results[1].cartoon)
    assert_array_equal(results[0].alpha, results[1].alpha)


@pytest.mark.parametrize("model", ["tiny", "embedded"])
def test_several_threads_may_call_one_cartoonifier(request, model, person_photo):
    app = request.getfixturevalue(model)
    photos = [np.roll(person_photo, shift, axis=1) for shift in range(8)]
    expected = [app(photo) for photo in photos]
    with ThreadPoolExecutor(8) as pool:
        for got, wanted in zip(pool.map(app, photos * 2), expected * 2, strict=True):
            assert_array_equal(got.cartoon, wanted.cartoon)
            assert_array_equal(got.alpha, wanted.alpha)


def test_global_state_is_left_alone(tiny_model, person_photo):
    import os

    state = np.random.get_state()[1].copy()  # noqa: NPY002 (the global one is the point)
    before = (cv2.getNumThreads(), dict(os.environ), Image.MAX_IMAGE_PIXELS)
    threads = threading.active_count()
    with engine.load(tiny_model, threads=1) as app:
        app(person_photo)
    assert before == (cv2.getNumThreads(), dict(os.environ), Image.MAX_IMAGE_PIXELS)
    assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert threading.active_count() == threads


def test_a_closed_cartoonifier_says_so(tiny_model, person_photo):
    with engine.load(tiny_model) as app:
        other = app.replace()
        app(person_photo)
    for use in (lambda: app(person_photo), lambda: app.provider, app.replace):
        with pytest.raises(engine.EngineError, match="closed"):
            use()
    other(person_photo)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"threads": 0}, "at least 1"),
        ({"provider": "gpu"}, "expected one of"),
        ({"max_megapixels": 0}, "above 0"),
        ({"cutout": engine.CutoutOptions("nowhere.png")}, "no such name or picture"),
        ({"segment": engine.SegmentOptions("cta")}, "Did you mean cat"),
        ({"max_megapixels": "x"}, "above 0"),
        ({"max_megapixels": float("nan")}, "above 0"),
        ({"max_megapixels": float("inf")}, "above 0"),
        ({"segment": {"keep": "person"}}, "segment is a dict; expected SegmentOptions"),
        ({"cutout": "white"}, "cutout is a str; expected CutoutOptions"),
        ({"cartoon": engine.CutoutOptions()}, "expected CartoonOptions"),
        ({"models": 5}, "models is 5"),
    ],
)
def test_wrong_arguments_are_option_errors(tiny_model, arguments, reason):
    with pytest.raises(engine.OptionError, match=reason):
        engine.load(tiny_model, **arguments)


def test_a_model_of_another_type_is_an_option_error():
    with pytest.raises(engine.OptionError, match="model is 5"):
        engine.load(5)


def test_replace_refuses_options_of_another_stage(tiny):
    with pytest.raises(engine.OptionError, match="expected CutoutOptions"):
        tiny.replace(cutout=engine.CartoonOptions())


@pytest.mark.parametrize("classic", [False, True])
def test_what_was_found_is_drawn_again_without_the_network(
    tiny, person_photo, classic, monkeypatch
):
    app = tiny.replace(segment=engine.SegmentOptions(classic=classic))
    others = {"cartoon": engine.CartoonOptions(min_group_levels=90)}
    if not classic:
        others["cutout"] = engine.CutoutOptions(background="navy", people="largest", edges="soft")
    other = app.replace(**others)
    expected = app(person_photo, name="me"), other(person_photo, name="me")
    found = app.find(person_photo, name="me")
    monkeypatch.setattr(type(app._open_session), "run", None)
    for drawn, whole in zip((app.draw(found), other.draw(found)), expected, strict=True):
        assert_array_equal(drawn.cartoon, whole.cartoon)
        assert_array_equal(drawn.cutout, whole.cutout)
        assert drawn.name == "me"
        assert list(drawn.timings) == list(whole.timings)


def test_what_another_model_or_other_options_found_is_refused(tiny, embedded, person_photo):
    found = tiny.find(person_photo)
    all_kept = tiny.replace(segment=engine.SegmentOptions(keep="all"))
    for app in (all_kept, embedded):
        for half in (app.recognise, app.draw):
            with pytest.raises(engine.OptionError, match="find again"):
                half(found)


def test_a_name_is_that_of_the_result(tiny, person_photo, photo, tmp_path):
    assert tiny(photo, name="sub/a").name == "sub/a"
    assert tiny(person_photo, name="b").save(tmp_path / "out")[0].name == "b_cutout.png"
    with pytest.raises(engine.OptionError, match="name is 5"):
        tiny(person_photo, name=5)


@pytest.mark.parametrize(
    "background", ["tomato", "rgb(255, 99, 71)", (255, 99, 71), np.uint8([[[255, 99, 71]]])]
)
def test_every_way_to_write_a_colour_gives_the_same(tiny, person_photo, background):
    expected = with_background(tiny, "#ff6347")(person_photo)
    got = with_background(tiny, background)(person_photo)
    assert_array_equal(got.cutout[5, 5], [255, 99, 71])
    assert_array_equal(got.cutout, expected.cutout)
    assert_array_equal(got.cartoon, expected.cartoon)


@pytest.mark.parametrize("white", ["#fff", "White", (255, 255, 255)])
def test_white_is_white_however_it_is_written(embedded, astronaut, white):
    expected = embedded(astronaut)
    assert_array_equal(with_background(embedded, white)(astronaut).cartoon, expected.cartoon)


def test_the_person_stands_before_the_blurred_scene(tiny):
    photo = np.zeros((150, 210, 3), np.uint8)
    photo[::2, :, 1] = 200  # stripes
    photo[50:100, 70:140] = 250, 20, 20
    result = with_background(tiny, "blur")(photo)
    outside, inside = far_outside(result), far_inside(result)
    assert np.abs(result.cutout[outside].astype(int) - [0, 100, 0]).max() < 40
    assert_array_equal(result.cutout[inside], photo[inside])
    assert_array_equal(result.cartoon[outside], result.cutout[outside])
    assert_array_equal(result.cartoon[inside], tiny(photo).cartoon[inside])


@pytest.mark.parametrize(("people", "expected"), [("all", 3), ("largest", 1), (2, 2), (9, 3)])
@pytest.mark.parametrize("edges", ["refined", "soft"])
def test_the_largest_people_are_kept(tiny, people, expected, edges):
    photo = np.full((160, 320, 3), (10, 120, 10), np.uint8)
    for left, side in [(20, 90), (150, 60), (250, 40)]:
        photo[40 : 40 + side, left : left + side] = 250, 20, 20
    result = tiny.replace(cutout=engine.CutoutOptions(people=people, edges=edges))(photo)
    kept = [result.alpha[45:70, left + 10 : left + 30].mean() for left in (20, 150, 250)]
    assert kept == pytest.approx([1] * expected + [0] * (3 - expected), abs=1e-3)


def test_classic_keeps_all_people(tiny):
    with pytest.raises(engine.OptionError, match="classic keeps all people"):
        tiny.replace(
            segment=engine.SegmentOptions(classic=True), cutout=engine.CutoutOptions(people=1)
        )


def test_a_precise_look_finds_more_of_a_small_person(embedded, astronaut):
    truth = embedded(astronaut).alpha > 0.5
    photo = np.full((1024, 1536, 3), (150, 160, 170), np.uint8)
    place = (slice(896, 1024), slice(700, 828))
    photo[place] = cv2.resize(astronaut, (128, 128), interpolation=cv2.INTER_AREA)
    truth = cv2.resize(truth.astype(np.uint8), (128, 128), interpolation=cv2.INTER_AREA) > 0

    def overlap(app):
        found = app(photo).alpha[place] > 0.5
        return (found & truth).sum() / (found | truth).sum()

    precise = embedded.replace(engine.SegmentOptions(precise=True))
    assert overlap(precise) > overlap(embedded)


def test_classic_is_not_precise():
    with pytest.raises(engine.OptionError, match=r"classic runs the network once.*precise"):
        engine.SegmentOptions(classic=True, precise=True)


@pytest.mark.parametrize("classic", [False, True])
def test_a_lack_of_memory_is_a_photo_error(tiny, person_photo, monkeypatch, classic):
    def lack(*_, **__):
        raise MemoryError

    app = tiny.replace(segment=engine.SegmentOptions(classic=classic))
    monkeypatch.setattr(app, "_draw", lack)
    with pytest.raises(engine.PhotoError, match="b: not enough memory for 210 x 150"):
        app(person_photo, name="b")


def test_a_lack_of_memory_in_opencv_is_a_photo_error(tiny, person_photo, monkeypatch):
    def lack(*_, **__):
        cv2.resize(np.zeros((1, 1), np.uint8), (1 << 30, 1 << 30))

    app = tiny.replace()
    monkeypatch.setattr(app, "_draw", lack)
    with pytest.raises(engine.PhotoError, match="not enough memory"):
        app(person_photo)


def test_a_drawing_like_another_has_its_colours(tiny, astronaut, person_photo):
    app = with_background(tiny, "none")
    first = app(astronaut)
    second = app(person_photo, like=first)
    assert_array_equal(second.palette.rgb, first.palette.rgb)
    assert_array_equal(second.cartoon, app(person_photo, like=first.palette).cartoon)
    held = app.replace(cartoon=engine.CartoonOptions(palette=first.palette))
    assert_array_equal(second.cartoon, held(person_photo).cartoon)
    assert not np.array_equal(second.cartoon, app(person_photo).cartoon)


def test_a_drawing_can_be_like_a_classic_one(tiny, person_photo):
    classic = in_style(tiny, "classic")(person_photo)
    assert 0 < len(classic.palette) <= 255
    assert tiny(person_photo, like=classic).palette.css == classic.palette.css


@pytest.mark.parametrize(
    ("style", "like", "reason"),
    [
        ("comic", "red", "palette is a str"),
        ("comic", engine.Palette.of_colours(np.zeros((0, 3), np.uint8)), "holds no colour"),
        ("classic", RED, "classic has no palette; expected comic, poster, ink"),
    ],
)
def test_a_drawing_like_nothing_is_refused(tiny, person_photo, style, like, reason):
    with pytest.raises(engine.OptionError, match=reason):
        in_style(tiny, style)(person_photo, like=like)


def test_classic_mode_has_no_other_style(tiny, person_photo):
    segment = engine.SegmentOptions(classic=True)
    assert tiny.replace(segment)(person_photo).style == "classic"
    with pytest.raises(engine.OptionError, match="classic mode has no style ink"):
        tiny.replace(segment, cartoon=engine.CartoonOptions("ink"))


def test_settings_are_ready_for_json_and_tell_what_decides_the_pixels(tiny, tmp_path):
    path = tmp_path / "sea.png"

    def settings(segment=None, cartoon=None, **cutout):
        app = tiny.replace(segment, engine.CutoutOptions(**cutout) if cutout else None, cartoon)
        return json.dumps(app.settings, sort_keys=True)

    Image.new("RGB", (4, 4), (1, 2, 3)).save(path)
    different = [
        settings(), settings(engine.SegmentOptions("dog")), settings(background="blur"),
        settings(engine.SegmentOptions(precise=True)),
        settings(background="red"), settings(threshold=0.4), settings(people=2),
        settings(background=str(path)), settings(background="transparent"),
        *(settings(cartoon=engine.CartoonOptions(**knob)) for knob in KNOBS),
    ]  # fmt: skip
    assert tiny.model.sha256 in different[0]
    assert "sea.png" not in different[6]
    Image.new("RGB", (4, 4), (1, 2, 4)).save(path)
    different.append(settings(background=str(path)))
    assert len(set(different)) == len(different)
    assert different[0] == settings(threshold=np.float64(0.5), background="#ffffff")
    assert different[0] == settings(cartoon=engine.CartoonOptions("comic", vivid=1.0))
    assert different[4] == settings(background=(255, 0, 0))


def test_a_background_is_read_once(tiny, tmp_path):
    path = tmp_path / "sea.png"
    Image.new("RGB", (4, 4), (1, 2, 3)).save(path)
    app = with_background(tiny, path)
    path.unlink()
    other = app.replace(cartoon=engine.CartoonOptions(vivid=2))
    assert other.settings["cutout"] == app.settings["cutout"]


def test_classic_refuses_another_background(tiny):
    with pytest.raises(engine.OptionError, match="classic"):
        tiny.replace(
            segment=engine.SegmentOptions(classic=True),
            cutout=engine.CutoutOptions("transparent"),
        )


def test_classic_refuses_classes_that_are_not_vocs(tmp_path):
    classes = ["background", *(f"thing {index}" for index in range(20))]
    path = write_tiny_model(tmp_path / "things.onnx", FACTS | {"classes": classes})
    segment = engine.SegmentOptions("all", classic=True)
    with pytest.raises(engine.OptionError, match="21 VOC classes"):
        engine.load(path, segment=segment)


@pytest.mark.parametrize("options", ["", "segment=engine.SegmentOptions(classic=True)"])
def test_after_the_warm_up_a_call_has_nothing_left_to_load(tiny_model, photo, options):
    program = f"""
import sys, engine
from engine.kernels import jit
app = engine.load({str(tiny_model)!r}, "cpu", warmup=True, {options})
modules, prepare = set(sys.modules), jit.Kernel._prepare
late = []
jit.Kernel._prepare = lambda kernel: late.append(kernel.full_name) or prepare(kernel)
app({str(photo)!r})
print(late, set(sys.modules) - modules)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["[]", "set()"]


def test_a_warm_up_keeps_to_the_largest_photo(tiny_model, monkeypatch):
    seen = []
    find = engine.Cartoonifier.find
    monkeypatch.setattr(
        engine.Cartoonifier, "find",
        lambda app, *photo, **name: seen.append(find(app, *photo, **name)) or seen[-1],
    )  # fmt: skip
    engine.load(tiny_model, provider="cpu", max_megapixels=0.01, warmup=True).close()
    assert [found.photo.size // 3 <= 10_000 for found in seen] == [True]
