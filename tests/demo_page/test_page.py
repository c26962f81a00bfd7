"""The demo page: what it says of a picture, and the page itself in a browser."""

import asyncio
import dataclasses
import importlib.util
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import urllib.parse
import uuid

import demo_export
import finished_stages
import numpy as np
import PIL.Image
import pytest
import requests
from demo_export import COLOURS, MAX_PIXELS

from salclass_tf import prediction, serving
from salclass_tf.demo_page import answers, examples, served, uploads
from tfds_builders.gaze_critters.gaze_critters_dataset_builder import Builder, observe

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DOT = 12  # pixels, its radius


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """The folder of an export that looks at light."""
    folder = tmp_path_factory.mktemp("export") / "colours"
    demo_export.write(folder / "1")
    return folder


@pytest.fixture(scope="module")
def light_seeker(colours):
    return served.load(colours)


def light_dot(size, at):
    """A PNG of (h, w), grey with a tinge of red, with a light dot at (y, x)."""
    rows, columns = np.indices(size) + 0.5
    image = np.full((*size, 3), (130, 120, 110), np.uint8)
    image[(rows - at[0]) ** 2 + (columns - at[1]) ** 2 <= DOT**2] = (235, 230, 225)
    return encode(image)


def encode(image, kind="PNG"):
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, kind)
    return file.getvalue()


def painted_centre(plain, painted):
    """Where an overlay is warmer than its picture, which is grey: mean (y, x), in shares."""
    warmth = [np.asarray(image, np.float32) @ [1, 0, -1] for image in (plain, painted)]
    gain = np.maximum(warmth[1] - warmth[0], 0)
    gain[gain < 0.5 * gain.max()] = 0
    grid = np.indices(gain.shape) + 0.5
    return (grid * gain).sum(axis=(1, 2)) / gain.sum() / gain.shape


@pytest.mark.parametrize(("size", "at"), [((100, 160), (72, 60)), ((150, 90), (50, 60))])
def test_overlay_lies_where_the_map_is(light_seeker, size, at):
    answer = answers.ask(light_seeker, light_dot(size, at))
    found = painted_centre(answer.plain, answer.overlay(1.0))
    np.testing.assert_allclose(found, np.divide(at, size), atol=0.02)


def test_strength_goes_from_the_picture_to_the_overlay(light_seeker):
    encoded = light_dot((100, 160), (50, 80))
    answer = answers.ask(light_seeker, encoded)
    picture = PIL.Image.open(io.BytesIO(encoded)).resize(answer.plain.size, PIL.Image.BICUBIC)
    np.testing.assert_array_equal(answer.overlay(0), picture)
    np.testing.assert_array_equal(answer.overlay(1), answer.painted)
    ends = np.float32(answer.plain), np.float32(answer.painted)
    assert np.abs(ends[0] - ends[1]).max() > 40
    np.testing.assert_allclose(answer.overlay(0.25), 0.75 * ends[0] + 0.25 * ends[1], atol=1)


def test_classes_are_those_of_the_network(light_seeker):
    image = np.full((80, 80, 3), (40, 90, 70), np.uint8)
    answer = answers.ask(light_seeker, encode(image))
    assert list(answer.classes) == ["green", "blue"]
    np.testing.assert_allclose(list(answer.classes.values()), [0.45, 0.35], atol=1e-5)


def test_overlay_is_the_one_of_predict(light_seeker, tmp_path):
    (tmp_path / "dot.png").write_bytes(light_dot((123, 77), (60, 40)))
    prediction.predict(light_seeker.model, [tmp_path / "dot.png"], tmp_path / "out", view="crop")
    written = np.asarray(PIL.Image.open(tmp_path / "out" / "overlays" / "dot.png"))
    painted = np.asarray(answers.ask(light_seeker, (tmp_path / "dot.png").read_bytes()).painted)
    # Below the overlay follow the classes, which the page lists apart; to its sides, their ground.
    left = (written.shape[1] - painted.shape[1]) // 2
    same_place = written[: painted.shape[0], left : left + painted.shape[1]]
    np.testing.assert_array_equal(painted, same_place)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no JPEG, PNG, GIF or BMP"),
        (b"dear diary", "no JPEG, PNG, GIF or BMP"),
        (light_dot((90, 90), (40, 40))[:200], "damaged"),
        (encode(np.zeros((1001, 1000, 3), np.uint8)), "more than 1 million pixels"),
        (encode(np.zeros((2, 60_000, 3), np.uint8)), "too long and thin"),
        (encode(np.zeros((50, 50, 3), np.uint8), "WEBP"), "no JPEG, PNG, GIF or BMP"),
    ],
)
def test_what_is_no_picture_is_said_in_plain_words(light_seeker, content, complaint):
    with pytest.raises(answers.UnreadableImageError, match=complaint):
        answers.ask(light_seeker, content)


def test_map_that_is_not_finite_is_no_overlay(light_seeker):
    model = light_seeker.model

    class Lost:
        structured_outputs = model.signature.structured_outputs

        def __call__(self, **images):
            out = dict(model.signature(**images))
            return out | {"saliency": out["saliency"] * np.float32(np.nan)}

    lost = dataclasses.replace(model, signature=Lost())
    with pytest.raises(answers.UnreadableImageError, match="map of it is not finite"):
        answers.ask(dataclasses.replace(light_seeker, model=lost), light_dot((90, 90), (40, 40)))


def test_newest_version_of_a_true_export_is_loaded(tmp_path):
    finished_stages.write_stage(tmp_path / "run", "saliency")
    settings = serving.Settings(max_pixels=123_456)
    serving.export(tmp_path / "run", "saliency", tmp_path / "gaze", settings)
    shutil.copytree(tmp_path / "gaze" / "1", tmp_path / "gaze" / "2")
    newest, first = served.load(tmp_path / "gaze"), served.load(tmp_path / "gaze" / "1")
    assert f"gaze{os.sep}2:" in newest.model.name and f"gaze{os.sep}1:" in first.model.name
    assert newest.max_pixels == 123_456
    assert newest.card["data"] == "dotted_noise/1.0.0"
    answer = answers.ask(newest, light_dot((60, 70), (30, 30)))
    assert answer.classes == {} and newest.class_names == ()
    assert np.any(np.asarray(answer.painted) != np.asarray(answer.plain))


def test_names_of_the_classes_are_loaded(light_seeker):
    assert light_seeker.class_names == COLOURS
    assert light_seeker.max_pixels == MAX_PIXELS


def test_without_an_export_one_line_says_what_to_run(tmp_path):
    with pytest.raises(ValueError, match="run python train.py and python export.py") as failure:
        served.load(tmp_path)
    assert f"--export_dir={tmp_path}" in str(failure.value)
    assert "\n" not in str(failure.value)


def test_examples_are_unseen_pictures_of_the_networks_own_set(tmp_path):
    files = examples.write("gaze_critters/free_viewing/1.0.0", tmp_path)
    assert len(files) == len({pathlib.Path(file).read_bytes() for file in files}) > 3
    config = Builder.builder_configs["free_viewing"]
    for file in map(pathlib.Path, files):
        index = int(file.stem.removeprefix("critter_"))
        assert file.read_bytes() == observe(config, "test", index)[0].jpeg()


@pytest.mark.parametrize("dataset", ["osie/1.0.0", "gaze_critters/pretrain/1.0.0", "own_set"])
def test_no_examples_where_none_would_suit(dataset, tmp_path):
    assert examples.write(dataset, tmp_path) == []
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def page_module():
    pytest.importorskip("gradio", reason="needs requirements-demo.txt")
    from salclass_tf.demo_page import page

    return page


def test_page_says_which_model_and_which_limits(page_module, light_seeker, tmp_path):
    config = str(page_module.build(light_seeker, [], tmp_path, 3).config)
    assert light_seeker.model.name in config
    assert "up to 3 MB and 1 million pixels" in config
    assert all(f"`{name}`" in config for name in COLOURS)


def test_page_clears_what_it_showed_when_a_file_is_no_picture(page_module, light_seeker, tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    uploaded = uploads.Uploads(tmp_path, 100)
    upload = {"path": str(tmp_path / "a.png"), "orig_name": "<img src=x>.png"}
    *shown, complaint = page_module._look(light_seeker, uploaded, upload, 80)
    assert shown == [None, None, None]
    assert "&lt;img src=x&gt;.png" in complaint.value and "<img" not in complaint.value
    *shown, complaint = page_module._look(light_seeker, uploaded, None, 80)
    assert shown == [None, None, None]
    assert complaint.visible is False


def test_page_does_not_fetch_addresses(page_module, light_seeker, tmp_path):
    from gradio import Error, processing_utils

    built = page_module.build(light_seeker, [], tmp_path, 3)
    [picture] = [block for block in built.blocks.values() if block.elem_id == "picture"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/cat.png"
        sent = {"path": address, "meta": {"_type": "gradio.FileData"}}
        with pytest.raises(Error, match="no such upload"):
            asyncio.run(
                processing_utils.async_move_files_to_cache(
                    sent, picture, check_in_upload_folder=True
                )
            )
        with pytest.raises(TimeoutError):
            server.accept()


# Every address that the server looks up or connects to goes into a file.
_WATCH = """
import os, sys

def _watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        with open(os.environ["CONNECTIONS"], "a") as file:
            print(args[1] if event == "socket.connect" else args[0], file=file)

sys.addaudithook(_watch)
"""


@pytest.fixture(scope="module")
def demo_server(colours, tmp_path_factory):
    """A page served by `salclass demo`: its address, its process, and whom it talked to."""
    if importlib.util.find_spec("gradio") is None:
        pytest.skip("needs requirements-demo.txt")
    folder = tmp_path_factory.mktemp("server")
    (folder / "sitecustomize.py").write_text(_WATCH)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
        "CONNECTIONS": str(folder / "connections"),
        "TMPDIR": str(folder),
    }
    command = [sys.executable, "-m", "salclass_tf", "demo", f"--export_dir={colours}"]
    process = subprocess.Popen(
        [*command, f"--port={port}", "--max_megabytes=1"],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        printed = []
        for line in process.stdout:
            printed.append(line)
            if line.startswith("Demo page:"):
                break
        assert process.poll() is None, printed
        yield f"http://127.0.0.1:{port}/", process, folder
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def browser_page(demo_server):
    """The page in a headless browser, and the addresses that the browser asked."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    if not CHROMIUM:
        pytest.skip("needs chromium")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    quiet += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=quiet)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(120_000)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(demo_server[0])
        page.locator("#picture input[type=file]").wait_for(state="attached")
        yield page, asked
        browser.close()


def drop(page, name, content):
    page.locator("#picture input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )


def shown_overlay(page, previous=None):
    """Waits for an overlay with another address than the previous one: address, uint8 [h, w, 3]."""
    page.wait_for_function(
        "old => { const i = document.querySelector('#overlay img');"
        " return i && i.src && i.src !== old; }",
        arg=previous,
    )
    address = page.locator("#overlay img").get_attribute("src")
    body = page.request.get(urllib.parse.urljoin(page.url, address)).body()
    return address, np.asarray(PIL.Image.open(io.BytesIO(body)).convert("RGB"))


@pytest.mark.slow
def test_dropped_picture_gets_an_overlay_classes_and_a_slider(browser_page, demo_server):
    page, asked = browser_page
    encoded = light_dot((100, 160), (72, 60))
    drop(page, "dot.png", encoded)
    address, overlay = shown_overlay(page)
    plain = np.asarray(
        PIL.Image.open(io.BytesIO(encoded)).resize(overlay.shape[1::-1], PIL.Image.BICUBIC)
    )
    np.testing.assert_allclose(painted_centre(plain, overlay), [0.72, 0.375], atol=0.02)
    row, column = round(0.72 * len(plain)), round(0.375 * plain.shape[1])
    assert plain[row, column, 2] - overlay[row, column, 2] > 25
    text = page.locator("#classes").inner_text()
    assert text.index("red") < text.index("green") and "%" in text

    slider = page.get_by_role("slider", name="Strength of the overlay in percent").first
    slider.focus()
    page.keyboard.press("Home")
    _, weakest = shown_overlay(page, address)
    np.testing.assert_allclose(weakest[row, column], plain[row, column], atol=6)

    assert {urllib.parse.urlsplit(url).hostname for url in asked if "://" in url} == {"127.0.0.1"}
    connections = (demo_server[2] / "connections").read_text().splitlines()
    outside = [
        line
        for line in connections
        if not any(own in line for own in ("127.0.0.1", "localhost", "None", "0.0.0.0"))
    ]
    assert not outside


@pytest.mark.slow
def test_server_survives_what_is_no_picture(browser_page, demo_server):
    page, _ = browser_page
    drop(page, "diary.png", b"dear diary")
    complaint = page.locator("#complaint").get_by_role("alert")
    complaint.wait_for()
    assert "diary.png was not understood: it is no JPEG" in complaint.inner_text()
    page.reload()
    drop(page, "large.png", b"x" * (2**20 + 1))
    page.get_by_text("maximum").first.wait_for()
    page.reload()
    drop(page, "dot.png", light_dot((100, 160), (30, 30)))
    shown_overlay(page)
    assert not page.get_by_role("alert").filter(has_text="understood").count()
    assert demo_server[1].poll() is None


def asked_by_hand(address, value):
    """The page's answer to a value that no browser made: classes or None, complaint or error."""
    config = requests.get(f"{address}config", timeout=60).json()
    [change] = [
        function["id"]
        for function in config["dependencies"]
        if len(function["inputs"]) == 2 and len(function["outputs"]) == 4
    ]
    session = uuid.uuid4().hex
    body = {"data": [value, 80], "fn_index": change, "session_hash": session}
    requests.post(f"{address}gradio_api/queue/join", json=body, timeout=60).raise_for_status()
    stream = {"params": {"session_hash": session}, "stream": True, "timeout": 60}
    for line in requests.get(f"{address}gradio_api/queue/data", **stream).iter_lines():
        message = json.loads(line.removeprefix(b"data:") or "{}")
        if message.get("msg") == "process_completed":
            output = message["output"]
            return output["data"][2:] if "data" in output else output
    raise AssertionError("no answer")


@pytest.mark.slow
@pytest.mark.parametrize("marked", [False, True], ids=["plain", "marked_as_file"])
def test_server_opens_uploads_alone(demo_server, marked):
    address, _, folder = demo_server
    sent = {"files": ("dot.png", light_dot((100, 160), (30, 30)))}
    [uploaded] = requests.post(f"{address}gradio_api/upload", files=sent, timeout=60).json()
    upload = pathlib.Path(uploaded)
    [scratch] = folder.glob("salclass-demo-*")
    assert upload.is_relative_to(scratch / "uploads")
    (scratch / "beside.png").write_bytes(upload.read_bytes())
    large = upload.with_name(f"large_{marked}.png")
    large.write_bytes(upload.read_bytes() + bytes(2**20))
    pipe = upload.with_name(f"pipe_{marked}.png")
    os.mkfifo(pipe)

    def said(path):
        mark = {"meta": {"_type": "gradio.FileData"}} if marked else {}
        return asked_by_hand(address, {"path": str(path), "orig_name": "dot.png", **mark})

    assert said(upload)[0]["label"] == "red"
    inside = [said(path) for path in (pipe, large, upload.parent, upload.with_name("gone.png"))]
    assert "no such upload" in str(inside[0])
    assert all(answer == inside[0] for answer in inside)
    assert said(scratch / "beside.png") == said(scratch / "absent.png")
    assert said(upload)[0]["label"] == "red"  # the only worker goes on


@pytest.mark.slow
def test_page_fits_a_telephone(browser_page):
    page, _ = browser_page
    page.set_viewport_size({"width": 420, "height": 900})
    drop(page, "dot.png", light_dot((100, 160), (30, 30)))
    shown_overlay(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    # The thumbnails are drawn when the rest stands; each is a button, named by its picture.
    page.get_by_role("button", name="Example: try this picture").nth(5).wait_for()
    unnamed = "Array.from(document.images).filter(i => i.checkVisibility() && !i.alt).length"
    assert page.evaluate(unnamed) == 0


@pytest.mark.slow
def test_uploads_go_with_the_server(demo_server):
    # The last to use it. A container is stopped like this.
    _, process, folder = demo_server
    assert list(folder.glob("salclass-demo-*"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not list(folder.glob("salclass-demo-*"))
