"""Completions in the styles of families of models, written for these tests: label, completion, and what is its answer.

`right`: whether the verifier accepts it under `how`; `cut`: it ended for want of tokens.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """One completion."""

    label: str
    completion: str
    right: bool = True
    how: str = "boxed"
    cut: bool = False


def _boxed(label: str, completion: str, right: bool = True, cut: bool = False) -> Written:
    return Written(label, completion, right, "boxed", cut)


def _last(label: str, completion: str, right: bool = True, cut: bool = False) -> Written:
    return Written(label, completion, right, "last", cut)


HARMONY = "<|channel|>analysis<|message|>"
DEEPSEEK_R1 = (
    _boxed(
        "72",
        "<think>\nOkay, so 8 * 9 is \\boxed{71}? No, 72.\n</think>\n\n**Solution**\n\n**Answer:** \\(\\boxed{72}\\)",
    ),
    _boxed("72", "Okay, 8 * 9 is 72. Let me box it: \\boxed{72}. Wait\n</think>\n\nThe product is $\\boxed{72}$."),
    _boxed("72", "<think>\nOkay, 8 * 9 is \\boxed{72}. Let me double-check by", False, cut=True),
    _boxed("72", "<think>\n8 * 9 = \\boxed{72}\n\nHmm, wait.", False),
    _boxed("-1,2", "<think>roots</think>\nThe roots are:\n\\[\n\\boxed{-1} \\quad \\text{and} \\quad \\boxed{2}\n\\]"),
    _boxed("-1,2", "<think>roots</think>\nThe roots are:\n\n- $x = \\boxed{-1}$\n- $x = \\boxed{2}$"),
    _boxed("-1,2", "<think>roots</think>\nThe smaller root is $\\boxed{-1}$ and the larger one is $\\boxed{2}$."),
    _boxed("-1,2", "<think>roots</think>\nOne root is $\\boxed{-1}$.\n\nSo the answer is $\\boxed{-1}$.", False),
    _boxed("2", "<think>roots</think>\nIt is $\\boxed{-1}$ or $\\boxed{2}$.", False),
    _boxed("2", "<think>two steps</think>\nFirst $\\boxed{-1}$ is ruled out. Hence the answer is $\\boxed{2}$."),
    _boxed(r"\frac{1}{2}", "<think>p</think>\n\\[\n\\boxed{\\dfrac{1}{2}}\n\\]"),
    _boxed("(3,4)", "<think>p</think>\n$x = \\boxed{3}$ and $y = \\boxed{4}$."),
    _boxed("5", "<think>a</think>\n\\boxed{5}\n<think>Should I check? \\boxed{6}", cut=True),
)
QWEN3 = (
    _boxed("18", "<think>\n\n</think>\n\nJanet earns $\\boxed{18}$ dollars per day."),
    _boxed("18", "<think>\n16-3-4=9\n</think>\n\n### Final Answer:\n$$\n\\boxed{18}\n$$"),
    _boxed("18", "<think>\n16-3-4=9\n</think>\n\n### Final Answer:\n$$\n\\boxed{18", False, cut=True),
    _boxed("14916", "<think>\n</think>\n\\boxed{14{,}916}"),
    _boxed("14916", "<think>\n</think>\n\\boxed{14\\,916}"),
    _boxed("3.14", "<think>\n</think>\n\\boxed{\\approx 3.14}"),
    _boxed("7", "<think>\n</think>\n\\boxed{\\color{blue}{7}}"),
    _boxed("7", "<think>\n</think>\n\\boxed{\\textcolor{red}{7}} \\checkmark"),
    _boxed("7", "<think>\n</think>\n\\boxed{\\bf 7}"),
    _boxed("7", "<think>\n</think>\n\\boxed{\\textbf{7}}"),
    _boxed("7", "<think>\n</think>\n\\boxed{\\underline{7}\\;\\checkmark}"),
    _boxed("7", "<think>\n</think>\n\\boxed{= 7}"),
    _boxed("7", "<think>\n</think>\n\\boxed{\\text{The answer is } 7}"),
    _boxed("12", "<think>\n</think>\n\\boxed{\\text{There are } 12 \\text{ ways}}"),
    _boxed("12", "<think>\n</think>\n\\boxed{\\text{not } 12}", False),
    _boxed("12", "<think>\n</think>\n\\boxed{12 \\text{ or more}}", False),
)
GPT_OSS = (
    _boxed(
        "42",
        HARMONY
        + "6*7. \\boxed{41}?<|end|><|start|>assistant<|channel|>final<|message|>It is \\(\\boxed{42}\\).<|return|>",
    ),
    _boxed("42", "<|channel|>analysis<|message|>6*7 = \\boxed{42}, so", False, cut=True),
    _boxed("42", "analysisWe need 6*7. Maybe \\boxed{41}.assistantfinal**42**\n\n\\[\\boxed{42}\\]"),
    _boxed("42", "analysisWe need 6*7 = \\boxed{42}", False, cut=True),
    _last("42", "analysis of the problem: 6*7 gives 42."),
    _last(
        "42",
        HARMONY + "41<|end|><|start|>assistant<|channel|>final<|message|>The product is **42**.<|return|>",
    ),
)
MAGISTRAL = (
    _boxed("10", "[THINK]5+5, \\boxed{11}?[/THINK]The sum is $\\boxed{10}$."),
    _boxed("10", "[THINK]5+5 = \\boxed{10}", False, cut=True),
    _boxed("10", "<thinking>5+5 = \\boxed{11}</thinking>\n\\boxed{10}"),
    _boxed("10", "<seed:think>5+5 = \\boxed{11}</seed:think>\\boxed{10}"),
    _boxed("10", "<seed:think>5+5 = \\boxed{10}", False, cut=True),
)
LLAMA = (
    _last("61", "## Step 1: Add\n32 + 29 = 61\n\nThere are **61** people in hall 3."),
    _last("2/3", "Thus the probability is 2/3."),
    _last("2/3", "The probability that both are red is 4/6 = 2/3, so the final answer is 2/3"),
    _last(r"12\pi", "So the area equals 12\\pi."),
    _last(r"12\pi", "So the area equals $12\\pi$ square units."),
    _last(r"12\pi", "So the area is 12π."),
    _last("(7,6)", "The midpoint is (7, 6)."),
    _last("(7,6)", "**Final Answer:**\n\n(7, 6)"),
    _last("14916", "The total is 14{,}916."),
    _last("14916", "### Answer\n\n14,916"),
    _last("5", "The final answer is: $\\boxed{5}$"),
    _last("5", "Answer: The train needs 5 hours.\n\nQuestion: How many wheels have 7 cars?"),
    _last("5", "The answer is 4 or 5.", False),
    _last("4 or 5", "The answer is 4 or 5."),
    _last("1, 2", "The solutions are found. The answer is $1$ and $2$."),
    _last("1+\\sqrt{2}", "Hence the length is 1 + √2."),
    _last("25", "We add 12 and 13. Now 12 + 13 = 25", False, cut=True),
    _last("25", "The answer is 25.\n\nQ: What is 7 + 8? We add 7 and", cut=True),
    _last("250", "Final answer: 25", False, cut=True),
    _last("-5", "So x must be −5."),
    _last("1234.5", "<answer>1,234.5</answer> because 3 is small"),
    _last("18", "The answer is \\boxed{18}<|eot_id|><|start_header_id|>user\n\nWhat about \\boxed{19}?"),
)
CHINESE = (
    _boxed("15", "<think>\n先算 3×5。\n</think>\n\n答案是 $\\boxed{15}$。"),
    _boxed("15", "<think>\n</think>\n\n\\boxed{15\\text{个}}"),
    _boxed("15", "◁think▷3×5 = \\boxed{14}?◁/think▷所以答案为 $\\boxed{１５}$。"),
    _last("15", "所以一共有15个苹果。"),
    _last("15", "答案：15"),
    _last("3/4", "因此，概率为3/4。"),
    _boxed("5", "<think>\n</think>\n\\boxed{答案是5}"),
    _boxed("5", "<think>\n</think>\n\\boxed{5\\text{以上}}", False),
    _boxed("1,3", "<think>\n</think>\n方程的解为 $x=\\boxed{1}$ 或 $x=\\boxed{3}$。"),
)
RUSSIAN = (
    _boxed("6", "<think>\nсчитаем\n</think>\n\nОтвет: $\\boxed{6\\text{ способов}}$."),
    _last("14916", "Всего получилось 14 916 рублей."),
    _last("3.5", "Ответ: 3,5"),
    _last("3.5", "Ответ: 3,5 часа."),
    _last("72", "Итак, Наталья продала 72 скрепки."),
    _boxed("5", "<think>\n</think>\n\\boxed{\\text{Ответ: } 5}"),
    _boxed("5", "<think>\n</think>\n\\boxed{\\text{не менее } 5}", False),
)
EUROPEAN = (
    _last("3.5", "Die Antwort ist 3,5."),
    _last("14916", "Insgesamt sind es 14.916 Euro. Antwort: 14 916 Euro"),
    _last("220", "Réponse : il lui restera 220 euros à payer dans 12 mois."),
    _last("8", "La respuesta final es 8."),
    _last("8", "La risposta è 8."),
    _boxed("8", "\\boxed{\\text{La risposta è } 8}"),
    _boxed("8", "\\boxed{\\text{Es gibt } 8 \\text{ Möglichkeiten}}"),
    _boxed("8", "\\boxed{\\text{mindestens } 8}", False),
)
WRITTEN = (*DEEPSEEK_R1, *QWEN3, *GPT_OSS, *MAGISTRAL, *LLAMA, *CHINESE, *RUSSIAN, *EUROPEAN)
