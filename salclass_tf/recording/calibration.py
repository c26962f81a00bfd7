"""Calibration of an eye tracker by ioHub's procedures, and how well it went."""

from typing import Any

from salclass_tf.recording.screen import Screen

_TARGET_DEG = 0.4
_DOT_DEG = 0.1


def calibrate(window: Any, eyes: Any, screen: Screen) -> bool:
    """Runs ioHub's calibration with nine targets.

    Args:
        window: PsychoPy's.
        eyes: ioHub's tracker; it must not record.
        screen: gives the size of targets.

    Returns:
        False if somebody ended it with Escape.
    """
    from psychopy import visual
    from psychopy.hardware.eyetracker import EyetrackerCalibration

    degree = screen.pixels_per_degree
    target = visual.TargetStim(
        window,
        radius=_TARGET_DEG * degree,
        innerRadius=_DOT_DEG * degree,
        fillColor="black",
        borderColor="white",
        innerFillColor="white",
        units="pix",
    )
    procedure = EyetrackerCalibration(window, eyes, target, units="pix", textColor="black")
    procedure.run()
    # Trackers answer in their own ways; that of the simulation and of Tobii says what was aborted.
    return "ABORTED" not in str(procedure.last)


def validation_target(window: Any, screen: Screen) -> Any:
    """Makes what people look at in a validation.

    Args:
        window: PsychoPy's.
        screen: gives its size.

    Returns:
        A target of ioHub; `pos` says where it is, in PsychoPy's pixels.
    """
    from psychopy.iohub.client.eyetracker.validation import TargetStim

    degree = screen.pixels_per_degree
    return TargetStim(
        window,
        radius=_TARGET_DEG * degree,
        fillcolor=[-1, -1, -1],
        edgecolor=[1, 1, 1],
        edgewidth=2,
        dotcolor=[1, 1, 1],
        dotradius=_DOT_DEG * degree,
        units="pix",
        colorspace="rgb",
    )


def validate(window: Any, target: Any) -> dict[str, float | None] | None:
    """Runs ioHub's validation with five targets.

    Args:
        window: PsychoPy's.
        target: of `validation_target`.

    Returns:
        `mean_error_deg` and `max_error_deg`, None where no eye was seen at any target, and
        `failed_positions`, at which none was; None if somebody ended it with Escape.
    """
    from psychopy.iohub.client.eyetracker.validation import ValidationProcedure

    procedure = ValidationProcedure(
        window,
        target=target,
        positions="FIVE_POINTS",
        target_duration=1.5,
        target_delay=0.5,
        progress_on_key=None,
        gaze_cursor=(-1.0, -1.0, -1.0),  # shown while G is pressed
        show_results_screen=False,
        results_in_degrees=True,
        unit_type="pix",
        color_space="rgb",
    )
    procedure.run()
    results = procedure.getValidationResults()
    return None if results is None else summary(results)


def summary(results: dict[str, Any]) -> dict[str, float | None]:
    """Returns what is kept of ioHub's results.

    Args:
        results: of `ValidationProcedure.getValidationResults`.

    Returns:
        See `validate`.
    """
    failed = int(results["positions_failed_processing"])
    # Where every target failed, ioHub says that the error was 0.
    seen = failed < len(results["position_results"])
    return {
        "mean_error_deg": round(float(results["mean_error"]), 3) if seen else None,
        "max_error_deg": round(float(results["max_error"]), 3) if seen else None,
        "failed_positions": failed,
    }
