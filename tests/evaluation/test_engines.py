from __future__ import annotations

from classifine.evaluation.engines import Agreement, Beside, Engines


def test_agreement_counts_the_texts_that_were_labelled() -> None:
    assert Agreement.of(["a", "b", None, "a"], ["a", "a", None, "a"]) == Agreement(2 / 3, 3)
    assert Agreement.of([], []) == Agreement(0.0, 0)


def test_engines_stand_in_the_scorecard_once() -> None:
    kept = Beside("OpenVINO bf16", Agreement(0.999, 1998), Agreement(0.99, 1000), True, "", 912.0)
    refused = Beside("OpenVINO int8", Agreement(0.95, 1998), None, False, "95.00% of the labels agree", 1500.0)
    first, second = Engines("torch fp32", (refused,)), Engines("torch fp32", (kept, refused))
    card = {"n": 3, "details": ["Some detail."]}
    told = second.beside(first.beside(card))
    assert card == {"n": 3, "details": ["Some detail."]}
    assert told["engine"] == "torch fp32"
    assert [row["name"] for row in told["engines"]] == ["OpenVINO bf16", "OpenVINO int8"]
    assert told["engines"][0]["test"] == {"agreement": 0.99, "n": 1000}
    assert told["engines"][1]["test"] is None
    assert told["details"] == [
        "Some detail.",
        "Exported engines: the scores are those of torch fp32; OpenVINO bf16 the same label on 99.9% of 1,998 "
        "validation texts and 99.0% of 1,000 test texts; OpenVINO int8 the same label on 95.0% of 1,998 validation "
        "texts (refused).",
    ]
    assert Engines("torch fp32").beside(told)["details"] == ["Some detail."]
