from xml.etree import ElementTree as ET

import numpy as np

from classifiers.evaluation.calibration import calibration
from classifiers.evaluation.plots import calibration_svg, learning_curve_svg

SVG = "{http://www.w3.org/2000/svg}"


def test_the_calibration_plot_shows_every_bin_of_every_head():
    p = np.array([0.05, 0.55, 0.95])
    made = calibration(p, np.array([False, True, True]), np.ones(3))
    drawn = ET.fromstring(calibration_svg({"a<b & c": made, "d": made}))  # noqa: S314 (our own)
    assert len(drawn.findall(f".//{SVG}circle")) == 6
    titles = [title.text for title in drawn.findall(f".//{SVG}circle/{SVG}title")]
    assert titles[0] == "said 0.05, came true 0.00 (1 texts)"
    assert "a<b & c" in [text.text for text in drawn.findall(f".//{SVG}text")]
    # a probability of .05 that never came true lies left and at the bottom
    dot = drawn.find(f".//{SVG}circle")
    assert dot is not None
    assert float(dot.attrib["cx"]) < 80
    assert float(dot.attrib["cy"]) > 300


def test_the_learning_curve_joins_its_points():
    points = [{"codings": n, "macro_f1": n / 200, "spread": 0.02, "runs": 3} for n in (25, 50, 100)]
    drawn = ET.fromstring(learning_curve_svg(points))  # noqa: S314 (our own)
    dots = drawn.findall(f".//{SVG}circle")
    assert [float(dot.attrib["cy"]) for dot in dots] == sorted((float(d.attrib["cy"]) for d in dots), reverse=True)
    assert len(ET.fromstring(learning_curve_svg(points[:1])).findall(f".//{SVG}circle")) == 1  # noqa: S314 (our own)


def test_nothing_in_a_plot_is_run_or_leads_outside():
    text = learning_curve_svg([{"codings": 5, "macro_f1": 0.5, "spread": 0.0, "runs": 1}])
    assert "script" not in text
    assert text.count("http") == 1  # the name of the format
