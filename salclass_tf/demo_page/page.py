"""The page itself: what is where on it, and what happens when somebody drops a picture."""

import html
import pathlib
from collections.abc import Sequence

import gradio as gr
from PIL import Image

from salclass_tf.demo_page import answers
from salclass_tf.demo_page.served import Served
from salclass_tf.demo_page.uploads import NotUploadedError, Uploads

_STRENGTH = 80  # percent: the map stands out, the picture stays recognisable
_IMAGE_HEIGHT = 360
_WAITING = 20  # pictures in line before visitors are asked to come back

# Answers that are kept for the slider, a few MB each: for a maximum number of visitors and seconds.
_SESSIONS, _KEPT_SECONDS = 50, 3600

_CSS = """
.gradio-container {max-width: 1120px !important; margin: 0 auto !important}
#complaint {border-left: 4px solid #b91c1c; padding: .6em 1em; background: #b91c1c1a}
#intro h1 {margin-bottom: .2em}
"""

_INTRO = """
# Where do people look to tell what this is?

Drop a picture. The network names what it shows and paints where the gaze of somebody who has to
recognise it would rest: the brighter, the likelier.

Model: `{name}`
"""

_ABOUT = """
- **It sees the frame only**: the central square of {image_size} pixels, once the picture's short
  side has {short_side}.
- **What it says was learned from {data}.** Whatever else you show it, it answers with {what}.
- JPEG, PNG, GIF (first frame) and BMP up to {megabytes} MB and {megapixels:g} million pixels. EXIF
  orientation is ignored, as in training: a photograph taken upright may lie on its side.
- Pictures go to the machine that serves this page and nowhere else. They are deleted there an hour
  later, and when the page ends.
"""

_ALT_TEXTS = {
    "picture": "The picture that you chose",
    "overlay": "The picture with its saliency map on it; a frame shows what the network saw",
}

# Gradio gives thumbnails an empty text, and draws them when it likes: a button without a name.
_NAME_EXAMPLES = """() => {
    const name = () => document.querySelectorAll("#examples img:not([alt^='Example'])").forEach(
        image => { image.alt = "Example: try this picture"; });
    new MutationObserver(name).observe(document.body, {childList: true, subtree: true});
    name();
}"""


def build(
    served: Served, examples: Sequence[str], upload_folder: pathlib.Path, max_megabytes: int
) -> gr.Blocks:
    """Builds the page.

    Args:
        served: the network that answers.
        examples: files of pictures to try.
        upload_folder: where Gradio puts uploads, its GRADIO_TEMP_DIR; nothing else is opened.
        max_megabytes: the largest file that is opened; `launch` has to be given the same, so that
            a larger one does not even arrive.

    Returns:
        The page, to be launched.
    """
    uploads = Uploads(upload_folder, max_megabytes * 2**20)
    with gr.Blocks(
        title="SalClassNet demo",
        analytics_enabled=False,
        delete_cache=(_KEPT_SECONDS // 6, _KEPT_SECONDS),
    ) as page:
        gr.Markdown(_INTRO.format(name=served.model.name), elem_id="intro")
        with gr.Row():
            with gr.Column(min_width=320):
                picture = _picture(uploads, examples)
                complaint = gr.HTML(visible=False, elem_id="complaint")
                if examples:
                    gr.Examples(
                        list(examples),
                        picture,
                        label="Examples it has not seen before",
                        elem_id="examples",
                    )
            with gr.Column(min_width=320):
                overlay, strength, classes = _results(served)
        with gr.Accordion("About this model", open=False):
            gr.Markdown(_about(served, max_megabytes))
            gr.Markdown(" ".join(f"`{name}`" for name in served.class_names))
        page.load(js=_NAME_EXAMPLES, api_visibility="private")
        kept = gr.State(time_to_live=_KEPT_SECONDS)
        picture.change(
            lambda upload, share: _look(served, uploads, upload, share),
            [picture, strength],
            [kept, overlay, classes, complaint],
            preprocess=False,  # the network gets the file as it is, not what Pillow makes of it
            api_visibility="private",
            show_progress_on=[overlay],
        )
        strength.change(
            _repaint,
            [kept, strength],
            overlay,
            api_visibility="private",
            show_progress="hidden",
            trigger_mode="always_last",
        )
    return page.queue(max_size=_WAITING, default_concurrency_limit=1)


def launch(page: gr.Blocks, host: str, port: int, max_megabytes: int) -> None:
    """Serves a page until the process is interrupted.

    Args:
        page: what to serve.
        host: address to listen at.
        port: port to listen at.
        max_megabytes: the largest file that is taken.

    Raises:
        OSError: if the port is taken.
    """
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        max_file_size=max_megabytes * 2**20,
        state_session_capacity=_SESSIONS,
        css=_CSS,
        theme=gr.themes.Soft(primary_hue="orange", secondary_hue="purple", neutral_hue="slate"),
        quiet=True,
        prevent_thread_lock=True,
        # Environment variables and where it runs could turn these on; nothing here needs them.
        share=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        enable_monitoring=False,
        run_history=False,
        footer_links=[],
    )
    print(f"Demo page: {address} (Ctrl-C ends it)", flush=True)
    page.block_thread()


def _picture(uploads: Uploads, examples: Sequence[str]) -> gr.Image:
    """The place to drop a picture into."""
    picture = gr.Image(
        label="Picture",
        type="filepath",
        sources=["upload", "clipboard"],
        height=_IMAGE_HEIGHT,
        buttons=[],
        alt_text=_ALT_TEXTS["picture"],
        elem_id="picture",
    )
    # Gradio fetches and copies what a value names; no visitor makes this machine do that.
    fetch = picture.async_move_resource_to_block_cache

    async def uploaded_only(path: str | pathlib.Path | None) -> str | None:
        if path not in uploads and str(path) not in examples:
            raise gr.Error(str(NotUploadedError()))
        return await fetch(path)

    picture.async_move_resource_to_block_cache = uploaded_only
    return picture


def _results(served: Served) -> tuple[gr.Image, gr.Slider, gr.Label]:
    """What is shown of an answer; what a network does not give stays hidden."""
    overlay = gr.Image(
        label="Where it looks" if served.model.makes_maps else "What it sees",
        interactive=False,
        format="jpeg",
        height=_IMAGE_HEIGHT,
        buttons=["download", "fullscreen"],
        alt_text=_ALT_TEXTS["overlay"],
        elem_id="overlay",
    )
    strength = gr.Slider(
        0,
        100,
        _STRENGTH,
        step=5,
        label="Strength of the overlay in percent",
        interactive=True,
        visible=served.model.makes_maps,
        elem_id="strength",
    )
    classes = gr.Label(
        label="Likeliest classes",
        visible=bool(served.model.top_k),
        elem_id="classes",
    )
    return overlay, strength, classes


def _about(served: Served, max_megabytes: int) -> str:
    """The facts below the page."""
    count = len(served.class_names)
    return _ABOUT.format(
        **vars(served.model.geometry),
        data=served.card["data"],
        what=f"one of these {count} classes" if count else "a map of that kind",
        megabytes=max_megabytes,
        megapixels=served.max_pixels / 1e6,
    )


def _look(served: Served, uploads: Uploads, upload: dict | None, percent: float) -> tuple:
    """Answers to a picture: what is kept for the slider, overlay, classes, complaint."""
    nothing = None, None, None
    if upload is None:
        return *nothing, gr.HTML(visible=False)
    try:
        answer = answers.ask(served, uploads.read(upload.get("path")))
    except NotUploadedError as error:
        return *nothing, _complaint(str(error))
    except answers.UnreadableImageError as error:
        name = html.escape(upload.get("orig_name") or "this file")
        return *nothing, _complaint(f"<b>{name}</b> was not understood: {error}.")
    return answer, _repaint(answer, percent), answer.classes or None, gr.HTML(visible=False)


def _complaint(text: str) -> gr.HTML:
    """What is said in place of an answer."""
    return gr.HTML(f'<p role="alert">{text}</p>', visible=True)


def _repaint(answer: answers.Answer | None, percent: float) -> Image.Image | None:
    """The overlay at another strength; the network is not asked again."""
    return answer and answer.overlay(percent / 100)
