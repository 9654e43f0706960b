"""Rows in the forms in which public sets come, with problems of our own: what a statement and a label must be read as.

The forms are those of cards and files of the sets that each entry names; none of them needs a mapping.
"""

import json
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A row, and what must be read of it. `tests` and `programs` count; `options` as the screen will see them."""

    row: dict[str, Any]
    statement: str
    answer: str | None = None
    tests: int | None = None
    programs: int = 0
    function: str | None = None
    options: list[str] | None = None
    language: str = "en"


BUS = "A bus holds 48 people. How many people do 6 such buses hold?"
ROOT = "Find the positive root of $x^2-x-12=0$."
ODD = "What is the sum of the first 9 odd numbers?"
DICE = "Two fair dice are rolled. What is the probability that the sum is 4?"
ADD = "Read two integers from one line and print their sum."
TURN = "Read a word and print it backwards."
LAST = "Write a function that returns the last element of a list, or 0 for an empty one."
ADD_CODE = "a, b = map(int, input().split())\nprint(a + b)\n"
TURN_CODE = "print(input()[::-1])\n"
CPP = "#include <iostream>\nint main() {\n    long long a, b;\n    std::cin >> a >> b;\n    std::cout << a + b;\n}\n"
THINK = "\nPlease reason step by step, and put your final answer within \\boxed{}."


def chat(user: str, reply: str | None = None, system: str | None = None) -> list[dict[str, str]]:
    turns = [("system", system), ("user", user), ("assistant", reply)]
    return [{"role": role, "content": text} for role, text in turns if text is not None]


def fours(question: str, *numbers: int) -> list[str]:
    return [str(number) for number in numbers]


FORMS: dict[str, list[Row]] = {
    "MetaMathQA: query and response that ends in a phrase, the question it was made of beside it": [
        Row(
            {"query": BUS, "response": "6 times 48 is 288.\nThe answer is: 288", "original_question": "Buses?"},
            BUS,
            "288",
        ),
        Row({"query": ODD, "response": "It is 9*9.\nThe answer is: 81", "original_question": "Odd?"}, ODD, "81"),
    ],
    "MathInstruct: instruction and output": [
        Row({"source": "own", "instruction": BUS, "output": "We multiply.\nThe answer is 288"}, BUS, "288"),
        Row({"source": "own", "instruction": ODD, "output": "We square.\nThe answer is 81"}, ODD, "81"),
    ],
    "OpenMathInstruct-2: problem, generated_solution, expected_answer": [
        Row(
            {
                "problem": ROOT,
                "generated_solution": "So $\\boxed{4}$.",
                "expected_answer": "4",
                "problem_source": "own",
            },
            ROOT,
            "4",
        ),
    ],
    "Big-Math: a domain column that is a list": [
        Row(
            {"problem": ODD, "answer": "81", "source": "own", "domain": ["Algebra"], "llama8b_solve_rate": 0.5},
            ODD,
            "81",
        ),
    ],
    "LIMO: question, worked solution, answer": [
        Row({"question": ROOT, "solution": "We factor: $\\boxed{4}$", "answer": "4"}, ROOT, "4"),
    ],
    "AIME: names with capitals, a number as the label": [
        Row({"ID": "own-1", "Problem": ODD, "Solution": "It is $9^2$.", "Answer": 81}, ODD, "81"),
    ],
    "s1K and others: a worked solution whose box is the label, no other column": [
        Row({"problem": DICE, "solution": "Three of 36, so $\\boxed{\\frac{1}{12}}$."}, DICE, "\\frac{1}{12}"),
    ],
    "RLVR-GSM: messages whose one turn has worked examples before the question, ground_truth apart": [
        Row(
            {
                "messages": chat(f"Question: What is 1 + 1?\nAnswer: It is 2. So the answer is 2.\n\nQuestion: {text}"),
                "ground_truth": label,
                "dataset": "own",
            },
            text,
            label,
        )
        for text, label in ((BUS, "288"), (ODD, "81"))
    ],
    "open-instruct: messages, ground_truth and dataset as lists of one": [
        Row({"messages": chat(BUS + THINK), "ground_truth": ["288"], "dataset": ["own"]}, BUS, "288"),
    ],
    "ShareGPT: conversations with from and value": [
        Row(
            {
                "id": "1",
                "conversations": [{"from": "human", "value": BUS}, {"from": "gpt", "value": "So \\boxed{288}."}],
            },
            BUS,
            "288",
        ),
        Row(
            {
                "id": "2",
                "conversations": [{"from": "human", "value": ODD}, {"from": "gpt", "value": "So \\boxed{81}."}],
            },
            ODD,
            "81",
        ),
    ],
    "Nemotron post-training: input is a list of turns, output thinks, metadata is JSON text with the label": [
        Row(
            {
                "messages": chat(BUS, "<think>6*48</think>It is 288."),
                "metadata": json.dumps({"expected_answer": "288", "problem_source": "own"}),
                "category": "math",
            },
            BUS,
            "288",
        ),
    ],
    "SYNTHETIC-1: prompt with an instruction, verification_info is JSON text": [
        Row(
            {
                "problem_id": "own_1",
                "task_type": "verifiable_math",
                "prompt": f"{BUS} Solve the problem step by step and put the answer inside \\boxed{{}}.",
                "verification_info": json.dumps({"ground_truth": "288"}),
            },
            BUS,
            "288",
        ),
    ],
    "verl with ground_truth as an object": [
        Row(
            {
                "prompt": chat(DICE),
                "reward_model": {"ground_truth": {"target": "1/12"}, "style": "rule"},
                "ability": "math",
            },
            DICE,
            "1/12",
        ),
    ],
    "verl whose columns are JSON text, as a CSV of it has them": [
        Row(
            {"prompt": json.dumps(chat(BUS + THINK)), "reward_model": json.dumps({"ground_truth": "288"})},
            BUS,
            "288",
        ),
    ],
    "TRL: a prompt as turns, the solution between tags": [
        Row({"prompt": chat(BUS, system="Think first."), "solution": "<answer> 288 </answer>"}, BUS, "288"),
    ],
    "OpenRLHF: input and label": [Row({"input": BUS, "label": "288"}, BUS, "288")],
    "GSM-Hard: input, code, target": [
        Row({"input": BUS, "code": "def solution():\n    return 6 * 48", "target": 288.0}, BUS, "288"),
    ],
    "DeepMind mathematics as questions and labels with line ends": [
        Row({"question": "Solve 3*x - 12 = 9 for x.\n", "answer": "7\n"}, "Solve 3*x - 12 = 9 for x.", "7"),
    ],
    "Math23K: original_text, equation, ans": [
        Row(
            {
                "id": "1",
                "original_text": "小明有12个苹果，又买了9个，一共有多少个？",
                "equation": "x=12+9",
                "ans": "21",
            },
            "小明有12个苹果，又买了9个，一共有多少个？",
            "21",
            language="zh",
        ),
    ],
    "CMATH: question and golden, in Chinese": [
        Row(
            {"question": "一本书有96页，看了40页，还剩多少页？", "golden": "56", "grade": 3},
            "一本书有96页，看了40页，还剩多少页？",
            "56",
            language="zh",
        ),
    ],
    "MAWPS as DeepLearning sets have it: sQuestion, lSolutions": [
        Row({"iIndex": 1, "sQuestion": BUS, "lEquations": ["X=6*48"], "lSolutions": [288.0]}, BUS, "288"),
    ],
    "TabMWP: a table beside the question": [
        Row(
            {
                "question": "How many pens are blue?",
                "choices": None,
                "answer": "7",
                "table": "Colour | Pens\nred | 4\nblue | 7",
            },
            "Colour | Pens\nred | 4\nblue | 7\n\nHow many pens are blue?",
            "7",
        ),
    ],
    "MMLU-Pro: ten options, letter and index": [
        Row(
            {
                "question": BUS,
                "options": fours(BUS, 48, 54, 96, 144, 192, 240, 288, 300, 312, 336),
                "answer": "G",
                "answer_index": 6,
                "cot_content": "",
                "category": "math",
            },
            BUS,
            "G",
            options=fours(BUS, 48, 54, 96, 144, 192, 240, 288, 300, 312, 336),
        ),
    ],
    "ARC: choices as {text, label}, answerKey": [
        Row(
            {
                "id": "a",
                "question": ODD,
                "choices": {"text": ["9", "18", "81", "90"], "label": ["A", "B", "C", "D"]},
                "answerKey": "C",
            },
            ODD,
            "C",
            options=["9", "18", "81", "90"],
        ),
    ],
    "ARC: choices labelled by numbers": [
        Row(
            {
                "id": str(n),
                "question": text,
                "choices": {"text": choices, "label": ["1", "2", "3", "4"]},
                "answerKey": key,
            },
            text,
            content,
            options=choices,
        )
        for n, (text, choices, key, content) in enumerate(
            [(ODD, ["9", "18", "81", "90"], "3", "81"), (BUS, ["54", "288", "296", "300"], "2", "288")]
        )
    ],
    "CommonsenseQA: question {stem, choices: [{label, text}]}": [
        Row(
            {
                "answerKey": "B",
                "question": {"stem": ODD, "choices": [{"label": "A", "text": "18"}, {"label": "B", "text": "81"}]},
            },
            ODD,
            "B",
            options=["18", "81"],
        ),
    ],
    "MathQA: options in one text, a small letter": [
        Row(
            {
                "Problem": BUS,
                "Rationale": "288 it is",
                "options": "a ) 54 , b ) 96 , c ) 288 , d ) 300",
                "correct": "c",
            },
            BUS,
            "c",
            options=["54", "96", "288", "300"],
        ),
    ],
    "MedMCQA: opa to opd and an index": [
        Row(
            {
                "id": str(n),
                "question": text,
                "opa": "81",
                "opb": "288",
                "opc": "9",
                "opd": "4",
                "cop": index,
                "exp": None,
            },
            text,
            content,
            options=["81", "288", "9", "4"],
        )
        for n, (text, index, content) in enumerate([(ODD, 0, "81"), (BUS, 1, "288")])
    ],
    "a spreadsheet: options in columns A to D, the letter under Correct": [
        Row(
            {"Question": ODD, "A": 18, "B": 81, "C": 90, "D": 99, "Correct": "B"},
            ODD,
            "B",
            options=fours(ODD, 18, 81, 90, 99),
        ),
    ],
    "options as an object by letter, the label is the content": [
        Row(
            {"question": ODD, "options": {"A": "18", "B": "81", "C": "90"}, "answer": "81"},
            ODD,
            "81",
            options=["18", "81", "90"],
        ),
    ],
    "options as the text of a Python list, the label is an index as a number": [
        Row(
            {"question": text, "choices": "['81', '288', '1', '0']", "answer": index},
            text,
            content,
            options=["81", "288", "1", "0"],
        )
        for text, index, content in ((ODD, 0, "81"), (BUS, 1, "288"))
    ],
    "TACO and DeepCoder: problem, solutions and tests as JSON text, with a function": [
        Row(
            {
                "problem": LAST,
                "solutions": json.dumps(["def last(xs):\n    return xs[-1] if xs else 0\n"]),
                "tests": json.dumps({"fn_name": "last", "inputs": [[[1, 2]], [[]]], "outputs": [[2], [0]]}),
            },
            LAST,
            tests=2,
            programs=1,
            function="last",
        ),
    ],
    "verifiable coding problems: verification_info with test_cases, a fenced solution": [
        Row(
            {
                "prompt": f"{ADD} Write Python code to solve the problem.",
                "gold_standard_solution": f"```python\n{ADD_CODE}```",
                "verification_info": {
                    "language": "python",
                    "test_cases": [
                        {"fn_name": None, "input": "1 2\n", "output": "3\n", "type": "stdin_stdout"},
                        {"fn_name": None, "input": "4 4\n", "output": "8\n", "type": "stdin_stdout"},
                    ],
                },
            },
            ADD,
            tests=2,
            programs=1,
        ),
    ],
    "AceCode: question and test_cases as assert lines": [
        Row(
            {"id": "own_1", "question": LAST, "test_cases": ["assert last([1, 2]) == 2", "assert last([]) == 0"]},
            LAST,
            tests=2,
            function="last",
        ),
    ],
    "KodCode: a test module that imports the solution": [
        Row(
            {
                "question": LAST,
                "solution": "def last(xs):\n    return xs[-1] if xs else 0\n",
                "test": "from solution import last\n\ndef test_some():\n    assert last([1, 2]) == 2\n"
                "\ndef test_none():\n    assert last([]) == 0\n",
            },
            LAST,
            tests=2,
            programs=1,
            function="last",
        ),
    ],
    "parallel lists of inputs and outputs, programs in two languages": [
        Row(
            {
                "description": ADD,
                "inputs": ["1 2", "4 4"],
                "outputs": ["3", "8"],
                "solutions": [
                    {"language": "PYTHON3", "code": ADD_CODE},
                    {"language": "C++17", "code": CPP},
                    {"language": "Java", "code": "public class A {}"},
                ],
            },
            ADD,
            tests=2,
            programs=2,
        ),
        Row(
            {
                "description": TURN,
                "inputs": ["abc"],
                "outputs": ["cba"],
                "solutions": [{"language": "PYTHON3", "code": TURN_CODE}],
            },
            TURN,
            tests=1,
            programs=1,
        ),
    ],
    "tests as a list of pairs, one program as text": [
        Row(
            {"problem_statement": ADD, "test_cases": [["1 2", "3"], ["4 4", "8"]], "code": ADD_CODE},
            ADD,
            tests=2,
            programs=1,
        ),
    ],
    "LeetCode under query: starter code, check(candidate), an instruction around it": [
        Row(
            {
                "query": f"You are an expert Python programmer.\n\n### Question:\n{LAST}\n\n### Format: Use the "
                "following starter code.\n```python\nclass Solution:\n    def last(self, xs):\n```\n\n"
                "### Answer: (use the provided format with backticks)\n",
                "starter_code": "class Solution:\n    def last(self, xs):\n        ",
                "entry_point": "Solution().last",
                "completion": "class Solution:\n    def last(self, xs):\n        return xs[-1] if xs else 0\n",
                "test": "def check(candidate):\n    assert candidate(xs = [1, 2]) == 2\n"
                "    assert candidate(xs = []) == 0\n",
            },
            LAST,
            tests=2,
            programs=1,
            function="last",
        ),
    ],
    "verl with code: ground_truth is JSON text of inputs and outputs": [
        Row(
            {
                "prompt": chat(
                    f"{ADD}\n\nWrite Python code to solve the problem. Present the code in \n"
                    "```python\nYour code\n```\nat the end."
                ),
                "ability": "code",
                "reward_model": {"ground_truth": json.dumps({"inputs": ["1 2\n"], "outputs": ["3\n"]})},
            },
            ADD,
            tests=1,
        ),
        Row({"prompt": chat(BUS), "ability": "math", "reward_model": {"ground_truth": "288"}}, BUS, "288"),
    ],
    "BigCodeBench: a function to complete, its body, and a test class": [
        Row(
            {
                "complete_prompt": 'import math\n\n\ndef root(x):\n    """Return the root of x."""',
                "canonical_solution": "\n    return math.sqrt(x)\n",
                "test": "import unittest\n\nclass T(unittest.TestCase):\n    def test_root(self):\n"
                "        self.assertEqual(root(4), 2)\n",
                "entry_point": "root",
            },
            'import math\n\n\ndef root(x):\n    """Return the root of x."""',
            tests=1,
            programs=1,
            function="root",
        ),
    ],
    "NeMo Gym: the letter is asked for in the message, options are objects of one key": [
        Row(
            {
                "responses_create_params": {"input": chat(f"Answer with the letter of the right option.\n\n{text}")},
                "options": [{"A": "81"}, {"B": "288"}],
                "expected_answer": letter,
                "uuid": letter,
            },
            text,
            letter,
            options=["81", "288"],
        )
        for text, letter in ((ODD, "A"), (BUS, "B"))
    ],
}
