"""Rows in the real form of each preset's set: the set's columns and conventions, with problems of our own."""

from typing import Any, NamedTuple

DAPO_BEFORE = (
    "Solve the following math problem step by step. The last line of your response should be of the form Answer: "
    "$Answer (without quotes) where $Answer is the answer to the problem.\n\n"
)
DAPO_AFTER = '\n\nRemember to put your answer on its own line after "Answer:".'


class Form(NamedTuple):
    """A set's rows, and for each what statement, answer and source_id they must become, and some of `extra`."""

    rows: list[dict[str, Any]]
    statements: list[str]
    answers: list[str | None]
    extra: list[dict[str, Any]]
    source_ids: list[str] | None = None
    gone: tuple[str, ...] = ()


FORMS: dict[str, Form] = {
    "contract": Form(
        rows=[{"domain": "math", "statement": "What is $6\\cdot7$?", "answer": "42", "difficulty": 2}],
        statements=["What is $6\\cdot7$?"],
        answers=["42"],
        extra=[{"difficulty": 2}],
    ),
    "gsm8k": Form(
        rows=[
            {
                "question": "Ida packs 48 jars in May and half as many in June. How many jars?",
                "answer": "In June 48/2 = <<48/2=24>>24 jars.\nIn all 48+24 = <<48+24=72>>72 jars.\n#### 72",
            },
            {
                "question": "A car costs $1,200 a year for five years. What is that in all?",
                "answer": "It is 1200*5 = $<<1200*5=6000>>6000.\n#### 6,000",
            },
        ],
        statements=[
            "Ida packs 48 jars in May and half as many in June. How many jars?",
            "A car costs $1,200 a year for five years. What is that in all?",
        ],
        answers=["72", "6,000"],
        extra=[
            {"solution": "In June 48/2 = <<48/2=24>>24 jars.\nIn all 48+24 = <<48+24=72>>72 jars.\n#### 72"},
            {},
        ],
    ),
    "math": Form(
        rows=[
            {
                "problem": "Find the positive root of $4x^2=9$.",
                "level": "Level 2",
                "type": "Algebra",
                "solution": "We get $x^2=\\frac{9}{4}$; not \\boxed{x^2}, but $x=\\boxed{\\frac{3}{2}}$.",
            },
            {
                "problem": "How many primes lie below 10?",
                "level": "Level 1",
                "type": "Number Theory",
                "solution": "They are 2, 3, 5, 7, so \\boxed 4.",
            },
        ],
        statements=["Find the positive root of $4x^2=9$.", "How many primes lie below 10?"],
        answers=["\\frac{3}{2}", "4"],
        extra=[
            {
                "level": "Level 2",
                "type": "Algebra",
                "solution": "We get $x^2=\\frac{9}{4}$; not \\boxed{x^2}, but $x=\\boxed{\\frac{3}{2}}$.",
            },
            {"type": "Number Theory"},
        ],
    ),
    "math-500": Form(
        rows=[
            {
                "problem": "Write $(1,1)$ in polar coordinates.",
                "solution": "The radius is $\\sqrt2$: $\\boxed{\\left( \\sqrt{2}, \\frac{\\pi}{4} \\right)}$.",
                "answer": "\\left( \\sqrt{2}, \\frac{\\pi}{4} \\right)",
                "subject": "Precalculus",
                "level": 2,
                "unique_id": "test/precalculus/807.json",
            }
        ],
        statements=["Write $(1,1)$ in polar coordinates."],
        answers=["\\left( \\sqrt{2}, \\frac{\\pi}{4} \\right)"],
        source_ids=["test/precalculus/807.json"],
        extra=[{"subject": "Precalculus", "level": 2}],
        gone=("unique_id",),
    ),
    "numinamath": Form(
        rows=[
            {
                "problem": "Find $x$ with $2x=7$.",
                "solution": "Halve both sides: $x=3.5$.",
                "answer": "3.5",
                "problem_type": "Algebra",
                "question_type": "math-word-problem",
                "problem_is_valid": "Yes",
                "solution_is_valid": "Yes",
                "source": "olympiads",
                "synthetic": False,
            },
            {
                "problem": "Prove that the sum of two even numbers is even.",
                "solution": "Write them as $2a$ and $2b$.",
                "answer": "proof",
                "problem_type": "Number Theory",
                "question_type": "proof",
                "problem_is_valid": "Yes",
                "solution_is_valid": "Yes",
                "source": "aops_forum",
                "synthetic": False,
            },
            {
                "problem": "Which is largest? (A) 1 (B) 3 (C) 2",
                "solution": "It is three.",
                "answer": "notfound",
                "problem_type": "Other",
                "question_type": "MCQ",
                "problem_is_valid": "Incomplete",
                "solution_is_valid": "Problem not solved",
                "source": "cn_contest",
                "synthetic": True,
            },
        ],
        statements=[
            "Find $x$ with $2x=7$.",
            "Prove that the sum of two even numbers is even.",
            "Which is largest? (A) 1 (B) 3 (C) 2",
        ],
        answers=["3.5", "proof", None],
        extra=[
            {
                "source": "olympiads",
                "problem_is_valid": "Yes",
                "synthetic": False,
                "solution": "Halve both sides: $x=3.5$.",
            },
            {"question_type": "proof"},
            {"question_type": "MCQ", "source": "cn_contest"},
        ],
    ),
    "big-math": Form(
        rows=[
            {
                "problem": "A tank holds 90 litres and is two thirds full. How many litres are in it?",
                "answer": "60",
                "source": "orca_math",
                "domain": ["Mathematics -> Applied Mathematics -> Math Word Problems"],
                "llama8b_solve_rate": 0.890625,
            }
        ],
        statements=["A tank holds 90 litres and is two thirds full. How many litres are in it?"],
        answers=["60"],
        extra=[
            {
                "source": "orca_math",
                "domain": ["Mathematics -> Applied Mathematics -> Math Word Problems"],
                "llama8b_solve_rate": 0.890625,
            }
        ],
    ),
    "dapo": Form(
        rows=[
            {
                "data_source": "math_dapo",
                "prompt": [
                    {"content": DAPO_BEFORE + "Find the sum of the digits of $2^{10}$." + DAPO_AFTER, "role": "user"}
                ],
                "ability": "MATH",
                "reward_model": {"ground_truth": "7", "style": "rule-lighteval/MATH_v2"},
                "extra_info": {"index": "9a9b6eb4-a1cb-49d1-8c1e-62eaf2f74079"},
            }
        ],
        statements=["Find the sum of the digits of $2^{10}$."],
        answers=["7"],
        source_ids=["9a9b6eb4-a1cb-49d1-8c1e-62eaf2f74079"],
        extra=[{"data_source": "math_dapo", "ability": "MATH"}],
        gone=("prompt",),
    ),
    "dapo-processed": Form(
        rows=[
            {
                "prompt": "Find the number of divisors of 36.",
                "solution": "9",
                "data_source": "math_dapo",
                "source_prompt": [{"content": "long", "role": "user"}],
                "ability": "MATH",
                "reward_model": {"ground_truth": "9", "style": "rule-lighteval/MATH_v2"},
                "extra_info": {"index": "b426d104-244d-4831-a2c4-cd756b61700a"},
            }
        ],
        statements=["Find the number of divisors of 36."],
        answers=["9"],
        source_ids=["b426d104-244d-4831-a2c4-cd756b61700a"],
        extra=[{"ability": "MATH"}],
        gone=("source_prompt", "solution", "prompt"),
    ),
    "openr1-math": Form(
        rows=[
            {
                "problem": "A boat needs 6 hours for 48 km. What is its speed?",
                "solution": "It is $48/6=8$.",
                "answer": "8\\mathrm{~km}/\\mathrm{h}",
                "problem_type": "Algebra",
                "question_type": "math-word-problem",
                "source": "olympiads",
                "uuid": "586fd646-76d6-5070-8c81-9993ab9d8559",
                "is_reasoning_complete": [True, True],
                "generations": ["<think>first</think> 8", "<think>second</think> 8"],
                "correctness_math_verify": [True, False],
                "correctness_llama": None,
                "finish_reasons": None,
                "correctness_count": 1,
                "messages": [{"content": "A boat", "role": "user"}],
            }
        ],
        statements=["A boat needs 6 hours for 48 km. What is its speed?"],
        answers=["8\\mathrm{~km}/\\mathrm{h}"],
        source_ids=["586fd646-76d6-5070-8c81-9993ab9d8559"],
        extra=[{"source": "olympiads", "correctness_count": 1, "correctness_math_verify": [True, False]}],
        gone=("generations", "messages", "uuid"),
    ),
    "deepmath": Form(
        rows=[
            {
                "question": "Evaluate $\\lim_{x\\to0}\\frac{\\sin 3x}{x}$.",
                "final_answer": "3",
                "difficulty": 4.5,
                "topic": "Mathematics -> Calculus -> Limits",
                "r1_solution_1": "one",
                "r1_solution_2": "two",
                "r1_solution_3": "three",
            }
        ],
        statements=["Evaluate $\\lim_{x\\to0}\\frac{\\sin 3x}{x}$."],
        answers=["3"],
        extra=[{"difficulty": 4.5, "topic": "Mathematics -> Calculus -> Limits"}],
        gone=("r1_solution_1", "r1_solution_2", "r1_solution_3"),
    ),
    "omni-math": Form(
        rows=[
            {
                "domain": ["Mathematics -> Discrete Mathematics -> Graph Theory"],
                "difficulty": 7.0,
                "problem": "How many edges has a tree on $n$ vertices?",
                "solution": "By induction there are $n-1$.",
                "answer": "$n-1$",
                "source": "usa_team_selection_test",
            }
        ],
        statements=["How many edges has a tree on $n$ vertices?"],
        answers=["n-1"],
        extra=[
            {
                "domain": ["Mathematics -> Discrete Mathematics -> Graph Theory"],
                "difficulty": 7.0,
                "source": "usa_team_selection_test",
            }
        ],
    ),
    "deepscaler": Form(
        rows=[
            {"problem": "Half of a number is $2\\frac{1}{2}$ more than 3. Find it.", "answer": "11", "solution": ""},
            {
                "problem": "Find the least prime above 24.",
                "answer": "29",
                "solution": "$25=5^2$, ..., so $\\boxed{29}$.",
            },
        ],
        statements=["Half of a number is $2\\frac{1}{2}$ more than 3. Find it.", "Find the least prime above 24."],
        answers=["11", "29"],
        extra=[{}, {"solution": "$25=5^2$, ..., so $\\boxed{29}$."}],
    ),
}
