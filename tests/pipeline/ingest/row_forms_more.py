"""More forms of `row_forms.py`: labels, options and tests that stand where few sets have them."""

import json

from tests.pipeline.ingest.row_forms import ADD, ADD_CODE, BUS, DICE, LAST, ODD, ROOT, TURN, TURN_CODE, Row, chat

LAST_CODE = "def last(xs):\n    return xs[-1] if xs else 0\n"
FIRST = "Write a function that returns the first element of a list, or 0 for an empty one."
FIRST_CODE = "def first(xs):\n    return xs[0] if xs else 0\n"
MARKED = ["4", "81", "288"]
STORY = "A box holds 8 pens. Tim takes 2."

MORE_FORMS: dict[str, list[Row]] = {
    "SVAMP on the Hub: story and question, and both joined in a third column": [
        Row(
            {"Body": STORY, "Question": "How many are left?", "question_concat": f"{STORY} How many are left?"}
            | {"Answer": "6.0", "Equation": "( 8.0 - 2.0 )"},
            f"{STORY} How many are left?",
            "6.0",
        ),
        Row(
            {"Body": "Ann has 3 cats and buys 4.", "Question": "How many has she?", "Answer": "7.0", "Equation": ""}
            | {"question_concat": "Ann has 3 cats and buys 4. How many has she?"},
            "Ann has 3 cats and buys 4. How many has she?",
            "7.0",
        ),
    ],
    "s1K: labels of which some are worked solutions, beside a constant of the same name": [
        Row({"question": BUS, "solution": "288", "metadata": "{'solution': 'x'}"}, BUS, "288"),
        Row({"question": ODD, "solution": r"It is \boxed{81}.", "metadata": "{'solution': 'x'}"}, ODD, "81"),
        Row({"question": ROOT, "solution": "4", "metadata": "{'solution': 'x'}"}, ROOT, "4"),
        Row({"question": DICE, "solution": "1/12", "metadata": "{'solution': 'x'}"}, DICE, "1/12"),
    ],
    "AM-Thinking: the label in what the user's turn says about itself": [
        Row({"messages": [{"role": "user", "content": q, "info": {"ground_truth": a}}, *chat("", "So.")[1:]]}, q, a)
        for q, a in ((BUS, "288"), (ODD, "81"))
    ],
    "SYNTHETIC-1: an instruction with a colon and a quote before the problem": [
        Row(
            {
                "prompt": "Solve the following math problem. Return your final response as 'Final Answer: "
                r"\boxed{<answer>}', where <answer> is the number."
                f"\n\n{q}",
                "verification_info": str({"ground_truth": a}),
            },
            q,
            a,
        )
        for q, a in ((BUS, "288"), (ODD, "81"))
    ],
    "Alpaca: a few instructions over many inputs": [
        Row({"instruction": how, "input": q, "output": rf"So \boxed{{{a}}}."}, q, a)
        for how, q, a in (("Solve this.", BUS, "288"), ("Work it out.", ODD, "81"), ("Solve this.", ROOT, "4"))
    ],
    "BIG-bench: options with a mark each": [
        Row({"input": q, "target_scores": {option: int(option == a) for option in MARKED}}, q, a, options=MARKED)
        for q, a in ((BUS, "288"), (ODD, "81"), (ROOT, "4"))
    ],
    "Minerva's last line": [
        Row({"prompt": q, "response": f"So.\n\nFinal Answer: The final answer is ${a}$. I hope it is correct."}, q, a)
        for q, a in ((BUS, "288"), (ODD, "81"))
    ],
    "AGIEval: a head, and a tail that asks for the letter": [
        Row({"query": f"Q: {q}\nA: Among A through D, the answer is", "label": a}, q, a)
        for q, a in ((BUS, "288"), (ODD, "81"))
    ],
    "columns in another language": [
        Row(
            {"задача": "У Пети было 12 яблок, он съел 5. Сколько осталось?", "ответ": "7"},
            "У Пети было 12 яблок, он съел 5. Сколько осталось?",
            "7",
            language="ru",
        ),
        Row(
            {"задача": "Чему равна площадь квадрата со стороной 9?", "ответ": "81"},
            "Чему равна площадь квадрата со стороной 9?",
            "81",
            language="ru",
        ),
    ],
    "columns without a name that says anything": [
        Row({"c1": q, "c2": a}, q, a) for q, a in ((BUS, "288"), (ODD, "81"), (DICE, "1/12"))
    ],
    "options and a letter in columns without names, as in MMLU's own files": [
        Row(dict(zip("pqrstu", (q, *options, letter), strict=True)), q, letter, options=list(options))
        for q, options, letter in ((BUS, ("54", "288", "280", "42"), "B"), (ODD, ("9", "18", "80", "81"), "D"))
    ],
    "TAL-SCQ: each option in a list of its own": [
        Row(
            {
                "problem": q,
                "answer_option_list": [[{"aoVal": k, "content": t}] for k, t in zip("ABC", options, strict=True)],
            }
            | {"answer_value": letter},
            q,
            letter,
            options=list(options),
        )
        for q, options, letter in ((BUS, ("54", "288", "280"), "B"), (ODD, ("9", "18", "81"), "C"))
    ],
    "options that say themselves which is right": [
        Row({"question": q, "options": [{"text": t, "is_correct": t == a} for t in options]}, q, a, options=options)
        for q, options, a in ((BUS, ["54", "288"], "288"), (ODD, ["81", "18"], "81"))
    ],
    "KMMLU: columns A to D, and a label that counts from 1": [
        Row({"question": q, "answer": n, "A": o[0], "B": o[1], "C": o[2], "D": o[3]}, q, o[n - 1], options=o)
        for q, o, n in ((BUS, ["54", "288", "280", "42"], 2), (ODD, ["81", "18", "80", "9"], 1))
    ],
    "ReClor: answers are the options, a label counts them": [
        Row({"context": STORY, "question": q, "answers": o, "label": at}, f"{STORY} {q}", o[at], options=o)
        for q, o, at in (("How many are left?", ["5", "6", "8"], 1), ("How many does he take?", ["2", "6", "3"], 0))
    ],
    "KodCode: pytest functions that name what they compare": [
        Row(
            {"question": LAST, "solution": LAST_CODE}
            | {"test": "from solution import last\ndef test_a():\n    got = last([1, 2])\n    assert got == 2\n"},
            LAST,
            tests=1,
            programs=1,
            function="last",
        ),
        Row(
            {"question": FIRST, "solution": FIRST_CODE}
            | {"test": "from solution import first\ndef test_a():\n    assert first([1, 2]) == 1\n"},
            FIRST,
            tests=1,
            programs=1,
            function="first",
        ),
    ],
    "Skywork-OR1: code with its function and its check inside the label": [
        Row(
            {"prompt": chat(q), "reward_model": {"ground_truth": json.dumps({"entry_point": f, "test_code": check})}},
            q,
            tests=2,
            function=f,
        )
        for q, f, check in (
            (LAST, "last", "def check(candidate):\n assert candidate([1])==1\n assert candidate([])==0\n"),
            (FIRST, "first", "def check(candidate):\n assert candidate([4])==4\n assert candidate([])==0\n"),
        )
    ],
    "HumanEvalPack: a check whose argument has the function's name": [
        Row(
            {"task_id": f, "prompt": f"def {f}(xs):\n", "canonical_solution": "    return xs[0]\n", "entry_point": f}
            | {"test": f"def check({f}):\n    assert {f}([1]) == 1\n    assert {f}([2]) == 2\ncheck({f})"},
            f"def {f}(xs):\n",
            tests=2,
            programs=1,
            function=f,
        )
        for f in ("first", "last")
    ],
    "DeepCoder: each test names its function in what it says about itself": [
        Row(
            {"problem": q, "tests": [{"input": "[1]", "output": "1", "metadata": {"func_name": f}}]},
            q,
            tests=1,
            function=f,
        )
        for q, f in ((LAST, "last"), (FIRST, "first"))
    ],
    "tests under their numbers, by stream": [
        Row(
            {"prompt": q, "tests": {"1": {"stdin": "a", "stdout": "b"}, "2": {"stdin": "c", "stdout": "d"}}}, q, tests=2
        )
        for q in (ADD, TURN)
    ],
    "programs without tests": [
        Row({"input": ADD, "output": "So.", "solution": ADD_CODE}, ADD, tests=0, programs=1),
        Row({"input": TURN, "output": "So.", "solution": TURN_CODE}, TURN, tests=0, programs=1),
    ],
    "GSM-hard: a program beside a label is no solution of a code problem": [
        Row({"input": BUS, "code": "def solution():\n    return 6 * 48\n", "target": 288.0}, BUS, "288"),
        Row({"input": ODD, "code": "def solution():\n    return 9 * 9\n", "target": 81.0}, ODD, "81"),
    ],
}
